"""Policies that explore; what they draw comes from the generator they are handed."""

from __future__ import annotations

from typing import Protocol

import gymnasium as gym
import numpy as np

from ..errors import DatasetError


class Policy(Protocol):
    """Anything that turns a batch of observations into a batch of actions."""

    def act(self, observation: np.ndarray, desired_goal: np.ndarray | None, *, rng: np.random.Generator) -> np.ndarray:
        """Actions (B,) int64 or (B, A) float32 for observations (B, ...) and goals (B, ...) or None."""
        ...


class UniformPolicy:
    """Every action alike, whatever is seen: the exploration of App. B.1.

    Args:
        action_space: `Discrete`, or a bounded `Box` of one dimension; the space of a single environment.

    Raises:
        DatasetError: the space is of another kind or has no bounds.
    """

    def __init__(self, action_space: gym.Space) -> None:
        bounded = isinstance(action_space, gym.spaces.Box) and action_space.is_bounded()
        if not (isinstance(action_space, gym.spaces.Discrete) or (bounded and len(action_space.shape or ()) == 1)):
            raise DatasetError(f"cannot draw uniformly from {action_space}; need Discrete or a bounded 1-d Box")
        self.action_space = action_space

    def act(
        self, observation: np.ndarray, desired_goal: np.ndarray | None = None, *, rng: np.random.Generator
    ) -> np.ndarray:
        """Actions for a batch of observations; they do not depend on what is observed."""
        num_episodes, space = len(observation), self.action_space
        if isinstance(space, gym.spaces.Discrete):
            return int(space.start) + rng.integers(int(space.n), size=num_episodes)
        assert isinstance(space, gym.spaces.Box)  # checked at birth
        return rng.uniform(space.low, space.high, size=(num_episodes, *space.shape)).astype(np.float32)
