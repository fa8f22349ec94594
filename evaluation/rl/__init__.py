"""Reinforcement learning in the rooms by Stable-Baselines3, with and without a learned metric as the reward."""
