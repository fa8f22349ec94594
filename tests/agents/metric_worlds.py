"""What tests of metric rewards share: metrics that need no training, and rooms in which episodes end in both ways."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

import plan2vec_envs  # noqa: F401  (registers the rooms)
from agents.reward import MetricReward
from plan2vec_envs.core import RoomCore

ROOM = "Plan2vec/Open-v0"
CORES = {obs_type: RoomCore("open", obs_type, "discrete") for obs_type in ("state", "image")}
LIMIT = 7  # steps of an episode: some goals are nearer, some are not


class PlainMetric:
    """A distance that differs by direction, between metres or between pixels; no latents."""

    name = "plain"

    def __init__(self, obs_type: str = "state") -> None:
        self.is_image = obs_type == "image"
        self.observation_shape = (1, 64, 64) if self.is_image else (2,)
        size = int(np.prod(self.observation_shape))
        rng = np.random.default_rng(7)
        self._map = rng.normal(size=(size, 5)) / 255 if self.is_image else 20 * rng.normal(size=(size, 5))

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        return _gap(self._codes(observation), self._codes(goal))

    def _codes(self, observations: np.ndarray) -> np.ndarray:
        assert observations.shape[1:] == self.observation_shape
        assert (observations.dtype == np.uint8) == self.is_image
        return observations.reshape(len(observations), -1) @ self._map


class LatentMetric(PlainMetric):
    """The same distance, between latents; it counts what it embeds."""

    name = "latent"

    def __init__(self, obs_type: str = "state") -> None:
        super().__init__(obs_type)
        self.embedded = 0

    def embed(self, observations: np.ndarray) -> np.ndarray:
        self.embedded += len(observations)
        return self._codes(observations)

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        return _gap(latents, goal_latents)


def _gap(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    gap = there - here
    return np.linalg.norm(gap, axis=1) + np.maximum(gap, 0).sum(1)


def by_hand(reward: MetricReward, before, after, env_reward, terminated) -> np.ndarray:
    """The table of ``MetricReward``, written once more: distances (B,), the task's reward, where it ended."""
    if reward.mode == "distance":
        return -reward.scale * after
    if reward.mode == "progress":
        return reward.scale * (before - after)
    if reward.mode == "sparse":
        return np.array([0.0 if gap <= reward.radius else -reward.scale for gap in after])
    kept = np.where(terminated, 0.0, after)
    return env_reward + reward.scale * before - reward.scale * reward.gamma * kept


def actions_to(observations: np.ndarray, goals: np.ndarray, obs_type: str, stray: np.ndarray) -> np.ndarray:
    """Discrete(8): towards the goals, but for lanes that ``stray`` (N,) gives another action than -1."""
    here, there = (CORES[obs_type].locate(each, check=False) for each in (observations, goals))
    dx, dy = np.where(np.abs(there - here) > 0.0125, np.sign(there - here), 0).astype(int).T
    nearest = 3 * (dx + 1) + dy + 1
    return np.where(stray >= 0, stray, np.where(nearest > 4, nearest - 1, np.minimum(nearest, 3)))


def strays(num_steps: int, num_lanes: int, seed: int = 0) -> np.ndarray:
    """(T, N) an action for one step in four, else -1."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((num_steps, num_lanes)) < 0.25, rng.integers(8, size=(num_steps, num_lanes)), -1)


def make(obs_type: str = "state", **kwargs: Any) -> gym.Env:
    return gym.make(ROOM, obs_type=obs_type, max_episode_steps=LIMIT, **kwargs)


def make_vec(num_envs: int, mode: str = "same_step", obs_type: str = "state", **kwargs: Any) -> gym.vector.VectorEnv:
    return gym.make_vec(
        ROOM, num_envs, obs_type=obs_type, autoreset_mode=mode, **{"max_episode_steps": LIMIT, **kwargs}
    )
