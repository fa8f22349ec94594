"""Fitted Q learning from a dataset, on Stable-Baselines3's DQN."""
