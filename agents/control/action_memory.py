"""A short memory of tried actions: what lets a greedy agent leave a spot where its model is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class MemoryConfig:
    """When an action counts as tried here, and what that costs."""

    radius: float = 0.35
    """local distance, in steps, within which two observations are the same spot"""
    penalty: float = 10.0
    """steps added to the score of an action for each time it was tried at this spot"""
    capacity: int = 64
    """decisions remembered per episode; the oldest is forgotten first"""
    visit_penalty: float = 0.0
    """steps added to an action for each earlier visit of the state where it is imagined to lead; it counts in full
    there, and as exp(-(gap / visit_radius)^2 / 2) nearby. Of many continuous actions, one tried in vain says little
    about the next; a place where the agent hangs fills up until it leaves"""
    visit_radius: float = 1.0
    """local distance, in steps, of that"""


class ActionMemory:
    """What was tried where in each of some parallel episodes, keyed by local latents.

    A distance can have a fixed point: an action that the forward model believes in and the world refuses, such as
    pushing into the wall in front of the goal. Without memory it is repeated for ever.
    """

    def __init__(self, config: MemoryConfig, num_episodes: int) -> None:
        self.config = config
        self.num_episodes = num_episodes
        self._keys: np.ndarray | None = None  # (B, capacity, D), inf where empty
        self._actions = np.zeros((num_episodes, config.capacity), np.int64)
        self._count = np.zeros(num_episodes, np.int64)

    def forget(self, mask: np.ndarray | None = None) -> None:
        """Empty the episodes where ``mask`` (B,) is True; all by default. Call it when an episode starts."""
        chosen = slice(None) if mask is None else np.asarray(mask, bool)
        self._count[chosen] = 0
        if self._keys is not None:
            self._keys[chosen] = np.inf

    def penalties(self, keys: np.ndarray, num_actions: int) -> np.ndarray:
        """Steps to add to each action's score: (B, D) local latents -> (B, K) float32."""
        tried = np.zeros((self.num_episodes, num_actions), np.float32)
        if self._keys is not None:
            used = min(self.config.capacity, int(self._count.max()))
            gap = self._keys[:, :used] - keys[:, None]
            episode, slot = np.nonzero(np.einsum("bnd,bnd->bn", gap, gap) <= self.config.radius**2)
            np.add.at(tried, (episode, self._actions[episode, slot]), self.config.penalty)
        return tried

    def visits(self, places: np.ndarray) -> np.ndarray:
        """Steps to add to each choice by where it leads: (B, K, D) local latents -> (B, K) float32."""
        return np.stack([self.visits_of(episode, each) for episode, each in enumerate(places)])

    def visits_of(self, episode: int, places: np.ndarray) -> np.ndarray:
        """The same for one episode: (K, D) -> (K,) float32."""
        config = self.config
        used = min(config.capacity, int(self._count[episode]))
        if self._keys is None or not config.visit_penalty or not used:
            return np.zeros(len(places), np.float32)
        gaps = torch.cdist(torch.as_tensor(places), torch.as_tensor(self._keys[episode, :used]))
        return config.visit_penalty * torch.exp(-(gaps / config.visit_radius).square() / 2).sum(1).numpy()

    def remember(self, keys: np.ndarray, actions: np.ndarray) -> None:
        """Note that each episode took candidate ``actions`` (B,) at ``keys`` (B, D)."""
        if self._keys is None:
            self._keys = np.full((self.num_episodes, self.config.capacity, keys.shape[1]), np.inf, np.float32)
        episodes, slot = np.arange(self.num_episodes), self._count % self.config.capacity
        self._keys[episodes, slot] = keys
        self._actions[episodes, slot] = actions
        self._count += 1


def least_cost(costs: np.ndarray, keys: np.ndarray, memory: ActionMemory | None) -> np.ndarray:
    """The action of least cost, (B, K) -> (B,) int64; with a memory, what was tried at this spot costs more.

    Args:
        costs: Of each action, in steps.
        keys: (B, D) local latents by which the memory knows the spot.
        memory: Notes what is chosen; None for no memory.
    """
    if memory is None:
        return costs.argmin(1)
    choice = (costs + memory.penalties(keys, costs.shape[1])).argmin(1)
    memory.remember(keys, choice)
    return choice
