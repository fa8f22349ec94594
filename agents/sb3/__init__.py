"""Adapters to Stable-Baselines3: its learners fed from a recorded dataset, without an environment.

Stable-Baselines3 takes half a second to import, so nothing in ``agents`` imports it before it is used.
"""
