"""What a metric reward adds to Stable-Baselines3's log, and a last look before training starts."""

from __future__ import annotations

import time
import warnings
from collections import deque
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from ..reward import MetricReward
from ..reward.observation_selector import layers_of
from .hindsight import MetricHerReplayBuffer
from .reward_vec_env import MetricRewardVecEnv, check_monitor


class MetricRewardCallback(BaseCallback):
    """Logs the intrinsic return of finished episodes, apart from the true one, and warns of another gamma.

    ``rollout/ep_intrinsic_mean`` and ``rollout/ep_final_distance`` (D to the goal at the end, in steps) stand beside
    ``rollout/ep_rew_mean``; means over the last 100 episodes. ``time/metric_share`` is the share of wall time that the
    metric took. Where rewards are the hindsight buffer's there are no returns to log: environments pay their own.

    Before the first step it raises a ``RewardError`` if the log would call the metric's return the true one, or if a
    hindsight buffer would mix rewards.
    """

    def _on_training_start(self) -> None:
        reward = reward_of(self.model)
        check_monitor(self.training_env)
        if isinstance(getattr(self.model, "replay_buffer", None), HerReplayBuffer):
            for layer in layers_of(self.training_env):
                if isinstance(layer, MetricRewardVecEnv):
                    layer.env_method("compute_reward")  # which says what to do in its place
        gamma = getattr(self.model, "gamma", None)
        if reward is not None and reward.mode == "shaping" and reward.gamma != gamma:
            warnings.warn(
                f"the reward is shaped with gamma {reward.gamma} and {type(self.model).__name__} discounts with "
                f"{gamma}: the best policy may not be the task's. Make them equal: "
                f"MetricReward(…, gamma={gamma})"
            )
        self._measure = None if reward is None else reward.measure
        self._began = time.perf_counter(), 0.0 if self._measure is None else self._measure.seconds
        self._sums = np.zeros(self.training_env.num_envs)
        self._returns: deque[float] = deque(maxlen=100)
        self._distances: deque[float] = deque(maxlen=100)

    @property
    def metric_share(self) -> float:
        """Share of the wall time since training started that the metric took, in [0, 1]."""
        seconds = 0.0 if self._measure is None else self._measure.seconds - self._began[1]
        return seconds / max(time.perf_counter() - self._began[0], 1e-9)

    def _on_step(self) -> bool:
        infos, ended = self.locals["infos"], self.locals["dones"]
        if self._measure is not None:
            self.logger.record("time/metric_share", self.metric_share)
        if infos and "intrinsic_reward" in infos[0]:
            self._sums += [info["intrinsic_reward"] for info in infos]
            for lane in np.flatnonzero(ended):
                self._returns.append(float(self._sums[lane]))
                self._distances.append(infos[lane]["metric_distance"])
                self._sums[lane] = 0
            if ended.any():
                self.logger.record("rollout/ep_intrinsic_mean", np.mean(self._returns))
                self.logger.record("rollout/ep_final_distance", np.mean(self._distances))
        return True


def reward_of(model: Any) -> MetricReward | None:
    """The metric reward that an algorithm learns from, if any."""
    buffer = getattr(model, "replay_buffer", None)
    if isinstance(buffer, MetricHerReplayBuffer):
        return buffer.metric_reward
    paying = (vars(layer).get("metric_reward") for layer in layers_of(model.get_env()))
    return next((reward for reward in paying if reward is not None), None)
