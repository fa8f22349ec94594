"""The learned metric as the reward of a Gymnasium vector environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from .lanes import LaneRewards
from .metric_reward import MetricReward
from .reading import Reader, layers_of


class MetricRewardVectorWrapper(gym.vector.VectorWrapper):
    """Puts a metric reward in place of the environment's own, for all lanes in one pass, in every autoreset mode.

    ``info`` has ``env_reward``, ``intrinsic_reward`` and ``metric_distance`` of the step that was just made, (N,)
    each, also for lanes where an episode ended. See :class:`MetricRewardWrapper` for what they are.
    """

    def __init__(
        self,
        env: gym.vector.VectorEnv,
        reward: MetricReward,
        *,
        observation_key: str = "observation",
        goal_key: str = "desired_goal",
        goal: np.ndarray | None = None,
    ) -> None:
        """Check that environment and agent fit; the arguments are those of :class:`MetricRewardWrapper`.

        Raises:
            RewardError: if they do not.
        """
        super().__init__(env)
        self.metric_reward = reward
        self._read = Reader(
            type(self).__name__,
            layers_of(env),
            env.single_observation_space,
            reward.measure,
            observation_key,
            goal_key,
            goal,
        )
        self._mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._lanes = LaneRewards(reward, env.num_envs)
        self._ended = np.zeros(env.num_envs, bool)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every lane, or in those of ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")
        observation, info = self.env.reset(seed=seed, options=options)
        self._begin(observation, np.ones(self.num_envs, bool) if mask is None else np.asarray(mask, bool))
        return observation, info

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of every lane, with the metric's rewards; a lane that only resets is paid nothing.

        Raises:
            MetricError: if the metric is NaN or infinite.
        """
        resets = self._ended if self._mode == AutoresetMode.NEXT_STEP else np.zeros(self.num_envs, bool)
        observation, env_rewards, terminated, truncated, info = self.env.step(actions)
        self._ended = np.logical_or(terminated, truncated)
        reached = self._read.observation(observation)
        restarted = self._ended if self._mode == AutoresetMode.SAME_STEP else resets
        if self._mode == AutoresetMode.SAME_STEP and self._ended.any():
            reached = np.array(reached)
            lanes = np.flatnonzero(self._ended)
            reached[lanes] = np.stack([self._read.observation(info["final_obs"][lane]) for lane in lanes])
        found = self._lanes.step(reached, env_rewards, terminated)
        rewards = np.where(resets, np.float32(0), found.reward)
        distances = found.distance
        if restarted.any():
            self._begin(observation, restarted)
        if resets.any():
            distances = np.where(resets, self._lanes.distances, distances)
        every = np.ones(self.num_envs, bool)
        intrinsic = rewards - env_rewards if self.metric_reward.adds else rewards
        added = {"env_reward": env_rewards, "intrinsic_reward": intrinsic, "metric_distance": distances}
        for name, values in added.items():
            info[name], info[f"_{name}"] = np.array(values, np.float32), every
        return observation, rewards, terminated, truncated, info

    def _begin(self, observation: Any, mask: np.ndarray) -> None:
        lanes = np.flatnonzero(mask)
        goals = self._read.goal(observation, self.num_envs)
        self._lanes.begin(self._read.observation(observation)[lanes], goals[lanes], lanes)
        self._ended[lanes] = False
