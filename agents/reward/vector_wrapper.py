"""The learned metric as the reward of a Gymnasium vector environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from .metric_reward import MetricReward
from .observation_selector import ObservationSelector, layers_of
from .parallel import ParallelRewards, Starts


class MetricRewardVectorWrapper(gym.vector.VectorWrapper):
    """Puts a metric reward in place of the environment's own, for all lanes in one pass, in every autoreset mode.

    ``info`` has ``env_reward``, ``intrinsic_reward`` and ``metric_distance`` of the step that was just made, (N,)
    each, also for lanes where an episode ended; ``final_info``, where there is one, has them too. See
    :class:`MetricRewardWrapper` for what they are.
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
        keys = observation_key, goal_key, goal
        self._read = ObservationSelector(self, layers_of(env), env.single_observation_space, reward.measure, *keys)
        self._mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._lanes = ParallelRewards(reward, env.num_envs)
        self._ended = np.zeros(env.num_envs, bool)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every lane, or in those of ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")  # first: Gymnasium's own vector environment takes it out
        observation, info = self.env.reset(seed=seed, options=options)
        starts = self._starts(observation, np.ones(self.num_envs, bool) if mask is None else mask)
        self._lanes.begin(starts.observations, starts.goals, starts.lanes)
        self._ended[starts.lanes] = False
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
        starts = self._starts(observation, restarted) if restarted.any() else None
        if self._mode == AutoresetMode.SAME_STEP and starts is not None:
            reached = np.array(reached)
            reached[starts.lanes] = [self._read.observation(info["final_obs"][lane]) for lane in starts.lanes]
        found = self._lanes.step(reached, env_rewards, terminated, starts)
        rewards = np.where(resets, np.float32(0), found.reward)
        distances = np.where(resets, self._lanes.distances, found.distance)
        intrinsic = rewards - env_rewards if self.metric_reward.adds else rewards
        added = {"env_reward": env_rewards, "intrinsic_reward": intrinsic, "metric_distance": distances}
        for name, values in added.items():
            info[name], info[f"_{name}"] = np.array(values, np.float32), np.ones(self.num_envs, bool)
            if "final_info" in info:
                values = np.where(self._ended, info[name], np.float32(0))
                info["final_info"] |= {name: values, f"_{name}": self._ended.copy()}
        return observation, rewards, terminated, truncated, info

    def _starts(self, observation: Any, mask: np.ndarray) -> Starts:
        lanes = np.flatnonzero(mask)
        goals = self._read.goal(observation, self.num_envs)
        return Starts(lanes, self._read.observation(observation)[lanes], goals[lanes])
