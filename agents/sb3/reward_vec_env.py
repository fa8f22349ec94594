"""The learned metric as the reward of environments that Stable-Baselines3 runs in parallel."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecMonitor, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from ..errors import RewardError
from ..reward import MetricReward, MetricRewardWrapper, ParallelRewards, Starts
from ..reward.observation_selector import ObservationSelector, check_unpaid, layers_of


class MetricRewardVecEnv(VecEnvWrapper):
    """Puts a metric reward in place of the environments' own; embeds all lanes in one pass.

    Put the monitor inside, so that ``rollout/ep_rew_mean`` and ``evaluate_policy`` tell the true return:

    ```python
    venv = MetricRewardVecEnv(VecMonitor(venv), MetricReward.load("runs/…", gamma=0.98))
    PPO("MultiInputPolicy", venv, gamma=0.98).learn(100_000, callback=MetricRewardCallback())
    ```

    ``infos`` have ``env_reward``, ``intrinsic_reward`` and ``metric_distance`` of each step. For hindsight
    replay leave it out: :class:`MetricHerReplayBuffer` computes the same rewards, also for goals chosen in hindsight.
    """

    def __init__(
        self,
        venv: VecEnv,
        reward: MetricReward,
        *,
        observation_key: str = "observation",
        goal_key: str = "desired_goal",
        goal: np.ndarray | None = None,
    ) -> None:
        """Check that environments and agent fit; the arguments are those of ``agents.reward.MetricRewardWrapper``.

        Raises:
            RewardError: if they do not.
        """
        super().__init__(venv)
        self.metric_reward = reward
        layers = check_layers(type(self).__name__, venv)
        for layer in layers:
            if isinstance(layer, VecNormalize) and layer.norm_obs:
                raise RewardError(
                    "VecNormalize is inside of MetricRewardVecEnv, so the metric would see other numbers than it was "
                    "trained on; put it outside: VecNormalize(MetricRewardVecEnv(venv, reward))"
                )
        keys = observation_key, goal_key, goal
        self._read = ObservationSelector(self, layers, venv.observation_space, reward.measure, *keys)
        self._lanes = ParallelRewards(reward, venv.num_envs)

    def reset(self) -> VecEnvObs:
        """Start an episode in every lane."""
        observation = self.venv.reset()
        self._lanes.begin(self._read.observation(observation), self._read.goal(observation, self.num_envs))
        return observation

    def step_wait(self) -> VecEnvStepReturn:
        """One step, with the metric's rewards.

        Raises:
            MetricError: if the metric is NaN or infinite.
        """
        observation, env_rewards, ended, infos = self.venv.step_wait()
        reached, terminated, starts = self._read.observation(observation), ended, None
        if ended.any():
            lanes, goals = np.flatnonzero(ended), self._read.goal(observation, self.num_envs)
            starts = Starts(lanes, reached[lanes], goals[lanes])
            reached, terminated = np.array(reached), ended.copy()
            for lane in lanes.tolist():
                reached[lane] = self._read.observation(infos[lane]["terminal_observation"])
                terminated[lane] = not infos[lane].get("TimeLimit.truncated", False)
        found = self._lanes.step(reached, env_rewards, terminated, starts)
        intrinsic = found.reward - env_rewards if self.metric_reward.adds else found.reward
        each = zip(infos, env_rewards.tolist(), intrinsic.tolist(), found.distance.tolist(), strict=True)
        for info, env_reward, added, distance in each:
            info["env_reward"], info["intrinsic_reward"], info["metric_distance"] = env_reward, added, distance
        return observation, found.reward, ended, infos

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call a method of the environments.

        Raises:
            RewardError: for ``compute_reward``, whose answer would be the environment's reward among the metric's.
        """
        if method_name == "compute_reward":
            raise RewardError(
                "a hindsight buffer asks these environments for rewards of new goals, and would mix their own rewards "
                "with the metric's. Leave MetricRewardVecEnv out and use replay_buffer_class=MetricHerReplayBuffer, "
                "replay_buffer_kwargs=dict(metric_reward=reward): all its rewards are the metric's"
            )
        return super().env_method(method_name, *args, indices=indices, **kwargs)


def check_layers(owner: str, venv: VecEnv) -> list[Any]:
    """What environments are made of, the outermost first, if none of it pays a metric reward.

    Raises:
        RewardError: if something does, also in another process.
    """
    layers = layers_of(venv)
    check_unpaid(owner, layers)
    if any(venv.env_is_wrapped(MetricRewardWrapper)):
        raise RewardError(
            f"{owner}: the environments pay a metric reward already, by MetricRewardWrapper, and it would count twice; "
            "leave MetricRewardWrapper out"
        )
    return layers


def check_monitor(venv: VecEnv) -> None:
    """Refuse a monitor outside of the metric's reward, which would report it as the true return.

    Raises:
        RewardError: if there is one.
    """
    monitor = None
    for layer in layers_of(venv):
        name = type(layer).__name__
        if isinstance(layer, (Monitor, VecMonitor)):
            monitor = name
        elif monitor is not None and "metric_reward" in vars(layer):
            raise RewardError(
                f"{monitor} is outside of {name}, so it would report the metric's return as the true one; put it "
                f"inside: {name}({monitor}(env), reward)"
            )
