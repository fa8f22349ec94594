"""What a metric reward adds to Stable-Baselines3's log, and a last look before training starts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from ..reward import MetricReward
from ..reward.reading import layers_of
from .hindsight import MetricHerReplayBuffer
from .reward_vec_env import MetricRewardVecEnv, check_monitor


class MetricRewardCallback(BaseCallback):
    """Logs the intrinsic return of finished episodes, apart from the true one, and warns of another gamma.

    ``rollout/ep_intrinsic_mean`` and ``rollout/ep_final_distance`` (D to the goal at the end, in steps) stand beside
    ``rollout/ep_rew_mean``; means over the last 100 episodes.
    """

    def _on_training_start(self) -> None:
        reward = reward_of(self.model)
        check_monitor(self.training_env)
        gamma = getattr(self.model, "gamma", None)
        if reward is not None and reward.mode == "shaping" and reward.gamma != gamma:
            warnings.warn(
                f"the reward is shaped with gamma {reward.gamma} and {type(self.model).__name__} discounts with "
                f"{gamma}: the best policy may not be the task's. Make them equal: "
                f"MetricReward(…, gamma={gamma})"
            )
        self._sums = np.zeros(self.training_env.num_envs)
        self._returns: list[float] = []
        self._distances: list[float] = []

    def _on_step(self) -> bool:
        infos, ended = self.locals["infos"], self.locals["dones"]
        if infos and "intrinsic_reward" in infos[0]:
            self._sums += [info["intrinsic_reward"] for info in infos]
            for lane in np.flatnonzero(ended):
                self._returns.append(float(self._sums[lane]))
                self._distances.append(infos[lane]["metric_distance"])
                self._sums[lane] = 0
            if ended.any():
                self.logger.record("rollout/ep_intrinsic_mean", np.mean(self._returns[-100:]))
                self.logger.record("rollout/ep_final_distance", np.mean(self._distances[-100:]))
        return True


def reward_of(model: Any) -> MetricReward | None:
    """The metric reward that an algorithm learns from, if any."""
    buffer = getattr(model, "replay_buffer", None)
    if isinstance(buffer, MetricHerReplayBuffer):
        return buffer.metric_reward
    for layer in layers_of(model.get_env()):
        if isinstance(layer, MetricRewardVecEnv):
            return layer.metric_reward
    return None
