"""Hindsight replay for goals that end a task: no sampled reward or ``done`` is that of another goal."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from ..errors import BufferTooLargeError, RewardError
from ..networks.device_memory import available_memory
from ..reward import MetricReward, ParallelRewards
from ..reward.observation_selector import ObservationSelector
from .reward_vec_env import check_layers


class TerminatingHerReplayBuffer(HerReplayBuffer):
    """Hindsight replay in which a relabelled transition ends the task if, and only if, it reaches its new goal.

    Stable-Baselines3 computes the reward anew and keeps the recorded ``done``, so that values are bootstrapped through
    the new goal, and cut where the old one was.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        action_space: spaces.Space,
        env: VecEnv,
        *,
        success_reward: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """As the buffer it extends, if memory suffices.

        Args:
            buffer_size: transitions.
            observation_space: with ``observation``, ``achieved_goal`` and ``desired_goal``.
            action_space: of one environment.
            env: has ``compute_reward``, and pays no metric reward: that would not tell where the goal is reached.
            success_reward: the environment's own reward where its goal is reached and the task ends.
            kwargs: as of the buffer it extends.

        Raises:
            RewardError: if the environments pay a metric reward, or ``VecNormalize`` changes theirs.
            BufferTooLargeError: before anything is allocated.
        """
        for layer in check_layers(type(self).__name__, env):
            if isinstance(layer, VecNormalize):
                _check_scale(layer)
        check_memory(buffer_size, observation_space)
        super().__init__(buffer_size, observation_space, action_space, env, **kwargs)
        self.success_reward = success_reward

    def _get_virtual_samples(
        self, batch_indices: np.ndarray, env_indices: np.ndarray, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        _check_scale(env)
        samples = super()._get_virtual_samples(batch_indices, env_indices, env)
        return samples._replace(dones=(samples.rewards == self.success_reward).to(samples.dones.dtype))


class MetricHerReplayBuffer(TerminatingHerReplayBuffer):
    """Hindsight replay of a metric reward: every sampled reward is the metric's, for the goal that it is sampled with.

    D is measured between ``achieved_goal`` and ``desired_goal``. Each observation is embedded once, when it is added;
    a goal chosen in hindsight was an observation, so its latent is there already.

    ```python
    DQN("MultiInputPolicy", venv, gamma=0.98, buffer_size=100_000, replay_buffer_class=MetricHerReplayBuffer,
        replay_buffer_kwargs=dict(metric_reward=MetricReward.load("runs/…", gamma=0.98)))
    ```
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Dict,
        action_space: spaces.Space,
        env: VecEnv,
        *,
        metric_reward: MetricReward,
        **kwargs: Any,
    ) -> None:
        """As the buffer it extends, with a reward.

        Args:
            buffer_size: transitions.
            observation_space: with ``observation``, ``achieved_goal`` and ``desired_goal``.
            action_space: of one environment.
            env: pays its own reward; a ``MetricRewardVecEnv`` is not needed, and refused.
            metric_reward: of any mode but ``novelty``.
            kwargs: as of the buffer it extends.

        Raises:
            RewardError: if environment and agent do not fit, the environments pay a metric reward already, or
                ``VecNormalize`` changes theirs.
            BufferTooLargeError: before anything is allocated.
        """
        if metric_reward.mode == "novelty":
            raise RewardError("a novelty reward depends on the whole episode, so hindsight cannot compute it anew")
        layers, keys = check_layers(type(self).__name__, env), ("achieved_goal", "desired_goal", None)
        ObservationSelector(self, layers, observation_space, metric_reward.measure, *keys)
        super().__init__(buffer_size, observation_space, action_space, env, **kwargs)
        self.metric_reward = metric_reward
        self._lanes = ParallelRewards(metric_reward, self.n_envs)
        self._goes_on = np.zeros(self.n_envs, bool)  # lanes whose next transition begins where the last one ended
        self._codes: dict[str, np.ndarray] = {}  # (buffer_size, n_envs, D) where each transition began and ended
        self._rows = np.arange(self.buffer_size * self.n_envs).reshape(self.buffer_size, self.n_envs)
        self._goal_rows = self._rows[:0, 0]

    def add(  # type: ignore[override]
        self,
        obs: dict[str, np.ndarray],
        next_obs: dict[str, np.ndarray],
        action: np.ndarray,
        reward: np.ndarray,
        done: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        """Store one transition a lane, with the metric's reward in place of the environment's."""
        self._end_interrupted(obs)
        started = np.flatnonzero(~self._goes_on)
        if started.size:
            self._lanes.begin(obs["achieved_goal"][started], obs["desired_goal"][started], started)
        self._keep("before")
        timeout = np.array([info.get("TimeLimit.truncated", False) for info in infos])
        found = self._lanes.step(next_obs["achieved_goal"], reward, np.asarray(done, bool) & ~timeout)
        self._keep("after")
        self._goes_on = ~np.asarray(done, bool)
        super().add(obs, next_obs, action, found.reward, done, infos)

    def _end_interrupted(self, obs: dict[str, np.ndarray]) -> None:
        """End episodes that were left in their midst, as by a second ``learn`` or in a buffer read from a file."""
        elsewhere = np.zeros(self.n_envs, bool)
        for key in ("achieved_goal", "desired_goal"):
            elsewhere |= (self.next_observations[key][self.pos - 1] != obs[key]).reshape(self.n_envs, -1).any(1)
        for lane in np.flatnonzero(elsewhere & self._goes_on).tolist():
            self._goes_on[lane] = False
            if self._current_ep_start[lane] != self.pos:  # otherwise it was ended already
                self.dones[self.pos - 1, lane] = self.timeouts[self.pos - 1, lane] = 1
                self._compute_episode_length(lane)

    def _keep(self, end: str) -> None:
        if self.metric_reward.measure.has_latents:
            codes = self._lanes.codes
            if end not in self._codes:
                self._codes[end] = np.zeros((self.buffer_size, *codes.shape), codes.dtype)
            self._codes[end][self.pos] = codes

    def _sample_goals(self, batch_indices: np.ndarray, env_indices: np.ndarray) -> np.ndarray:
        # Asked for row numbers in place of frames, the strategies say which transitions the goals come from.
        frames = self.next_observations
        self.next_observations = {"achieved_goal": self._rows}
        try:
            self._goal_rows = super()._sample_goals(batch_indices, env_indices)
        finally:
            self.next_observations = frames
        return self._at_rows(frames["achieved_goal"])

    def _at_rows(self, stored: np.ndarray) -> np.ndarray:
        return stored[self._goal_rows // self.n_envs, self._goal_rows % self.n_envs]

    def _get_virtual_samples(
        self, batch_indices: np.ndarray, env_indices: np.ndarray, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        samples = super()._get_virtual_samples(batch_indices, env_indices, env)
        if self._codes:
            before, after = (self._codes[end][batch_indices, env_indices] for end in ("before", "after"))
            goals = self._at_rows(self._codes["after"])
        else:
            stored = self.observations["achieved_goal"], self.next_observations["achieved_goal"]
            before, after = (each[batch_indices, env_indices] for each in stored)
            goals = self._at_rows(stored[1])
        env_rewards, ended = samples.rewards.cpu().numpy()[:, 0], samples.dones.cpu().numpy()[:, 0] > 0
        rewards = self.metric_reward.of_codes(before, after, goals, env_rewards, ended)
        return samples._replace(rewards=self.to_torch(rewards[:, None]))


def _check_scale(env: VecNormalize | None) -> None:
    if env is not None and env.norm_reward:
        raise RewardError("rewards that VecNormalize scales no longer tell the goal; use norm_reward=False")


def check_memory(buffer_size: int, observation_space: spaces.Space) -> None:
    """Refuse a buffer that memory cannot hold.

    Raises:
        BufferTooLargeError: saying what it would take, and what there is room for.
    """
    boxes = observation_space.spaces.values() if isinstance(observation_space, spaces.Dict) else [observation_space]
    each = 2 * sum(np.zeros(box.shape or (), box.dtype).nbytes for box in boxes)  # observation and next
    free = available_memory()
    if free is not None and buffer_size * each > free:
        raise BufferTooLargeError(
            f"a replay buffer of {buffer_size:,} transitions of {each / 1000:.1f} kB takes "
            f"{buffer_size * each / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB of memory are free; "
            f"use buffer_size={int(0.5 * free / each) // 1000 * 1000:_} or less"
        )
