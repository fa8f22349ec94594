"""What tests of metric rewards share: metrics that need no training, and rooms in which episodes end in both ways."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

import plan2vec_envs  # noqa: F401  (registers the rooms)
from agents.reward import MetricReward
from agents.sb3 import NativeVecEnv
from plan2vec_envs.maze.core import RoomCore

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


def strays(num_steps: int, num_episodes: int, seed: int = 0) -> np.ndarray:
    """(T, N) an action for one step in four, else -1."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((num_steps, num_episodes)) < 0.25, rng.integers(8, size=(num_steps, num_episodes)), -1)


def make(obs_type: str = "state", **kwargs: Any) -> gym.Env:
    return gym.make(ROOM, obs_type=obs_type, max_episode_steps=LIMIT, **kwargs)


def make_vec(num_envs: int, mode: str = "same_step", obs_type: str = "state", **kwargs: Any) -> gym.vector.VectorEnv:
    return gym.make_vec(
        ROOM, num_envs, obs_type=obs_type, autoreset_mode=mode, **{"max_episode_steps": LIMIT, **kwargs}
    )


def native(num_envs=3, obs_type="state", **kwargs):
    return NativeVecEnv(make_vec(num_envs, obs_type=obs_type, **kwargs))


def new_buffer(buffer_class, venv, size=60, **kwargs):
    return buffer_class(
        size * venv.num_envs,
        venv.observation_space,
        venv.action_space,
        venv,
        device="cpu",
        n_envs=venv.num_envs,
        **kwargs,
    )


def audit(buffer, metric, reward, obs_type="state", batch_size=300):
    """Shares of stale rewards and of stale dones in a batch, by its arrays alone: of goals in hindsight, of others."""
    np.random.seed(0)  # noqa: NPY002  (what Stable-Baselines3 draws from)
    batch = buffer.sample(batch_size)
    here, there = (each["achieved_goal"].numpy() for each in (batch.observations, batch.next_observations))
    goal = batch.observations["desired_goal"].numpy()
    np.testing.assert_array_equal(batch.next_observations["desired_goal"].numpy(), goal)
    env_reward = CORES[obs_type].compute_reward(there, goal)
    done = env_reward == 0
    expected = env_reward
    if reward is not None:
        expected = by_hand(reward, metric.distance(here, goal), metric.distance(there, goal), env_reward, done)
    virtual = slice(batch_size - int(buffer.her_ratio * batch_size), None)  # they follow the others
    real = slice(virtual.start)
    stale = np.abs(batch.rewards.numpy()[:, 0] - expected) > 1e-4 * (1 + np.abs(expected))
    wrong = batch.dones.numpy()[:, 0] != done
    assert 0.02 < done[virtual].mean() < 0.98, "no goal chosen in hindsight was reached, or all were"
    return stale[virtual].mean(), stale[real].mean(), wrong[virtual].mean(), wrong[real].mean()
