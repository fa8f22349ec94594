"""The learned metric as the reward of a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from ..errors import RewardError
from .metric_reward import MetricReward
from .observation_selector import ObservationSelector, layers_of
from .parallel import ParallelRewards


class MetricRewardWrapper(gym.Wrapper, gym.utils.RecordConstructorArgs):
    """Puts a metric reward in place of the environment's own, which stays in ``info["env_reward"]``.

    ``info`` also has ``metric_distance``, D to the goal after the step, and ``intrinsic_reward``, what the metric adds
    to (``shaping``, ``novelty``) or puts in the place of (all others) the environment's reward. Where the environment
    has ``compute_reward``, so has this one, with the new reward, for goals chosen in hindsight; ``info["metric_code"]``
    is what it needs to know of where the step began.

    Wrap the environment with this first and with wrappers that change observations after.
    """

    def __init__(
        self,
        env: gym.Env,
        reward: MetricReward,
        *,
        observation_key: str = "observation",
        goal_key: str = "desired_goal",
        goal: np.ndarray | None = None,
        success_reward: float | None = 0.0,
    ) -> None:
        """Check that environment and agent fit.

        Args:
            env: Any whose observations the agent knows.
            reward: What to pay.
            observation_key: Entry of a dict observation that the agent knows.
            goal_key: Entry with the goal.
            goal: One goal for ever, in place of the entry.
            success_reward: Of ``compute_reward`` alone: the environment's own reward where its goal is reached and the
                task ends; None if it does not end there.

        Raises:
            RewardError: if they do not.
        """
        gym.utils.RecordConstructorArgs.__init__(
            self,
            reward=reward,
            observation_key=observation_key,
            goal_key=goal_key,
            goal=goal,
            success_reward=success_reward,
            _disable_deepcopy=True,  # of a whole agent
        )
        gym.Wrapper.__init__(self, env)
        self.metric_reward, self._success_reward = reward, success_reward
        keys = observation_key, goal_key, goal
        self._read = ObservationSelector(self, layers_of(env), env.observation_space, reward.measure, *keys)
        self._lanes = ParallelRewards(reward, 1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._here = self._read.observation(observation)[None]
        self._lanes.begin(self._here, self._goals(observation))
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step, with the metric's reward.

        Raises:
            MetricError: if the metric is NaN or infinite.
        """
        observation, env_reward, terminated, truncated, info = self.env.step(action)
        code = self._lanes.codes[0].copy()
        self._here = self._read.observation(observation)[None]
        found = self._lanes.step(self._here, np.array([env_reward]), np.array([terminated]))
        reward = float(found.reward[0])
        info = {
            **info,
            "env_reward": float(env_reward),
            "intrinsic_reward": reward - float(env_reward) if self.metric_reward.adds else reward,
            "metric_distance": float(found.distance[0]),
            "metric_code": code,
        }
        return observation, reward, terminated, truncated, info

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """The reward of having reached one goal when another was desired, for one step or for a batch.

        Args:
            achieved_goal: (...) or (B, ...) where the step ended.
            desired_goal: the same.
            info: of the step, or (B,) of them; ``metric_code`` is looked at.

        Raises:
            RewardError: if ``info`` lacks what the mode needs, or the mode depends on more than one step.
        """
        if self.metric_reward.mode == "novelty":
            raise RewardError("a novelty reward depends on the whole episode, so it cannot be computed for a new goal")
        achieved, desired = np.asarray(achieved_goal), np.asarray(desired_goal)
        env_reward = self.env.get_wrapper_attr("compute_reward")(achieved_goal, desired_goal, info)
        single = np.ndim(env_reward) == 0
        if single:
            achieved, desired, info = achieved[None], desired[None], [info]
        env_rewards = np.atleast_1d(np.asarray(env_reward, np.float64))
        if self._success_reward is None:
            terminated = np.zeros(len(env_rewards), bool)
        else:
            terminated = env_rewards.astype(np.float32) == np.float32(self._success_reward)
        codes = self._codes(achieved)
        before = self._codes_before(info) if self.metric_reward.looks_back else codes
        rewards = self.metric_reward.of_codes(before, codes, self._codes(desired), env_rewards, terminated)
        return float(rewards[0]) if single else rewards

    def _goals(self, observation: Any) -> np.ndarray:
        if isinstance(observation, dict):
            observation = {key: np.asarray(value)[None] for key, value in observation.items()}
        return self._read.goal(observation, 1)

    def _codes(self, frames: np.ndarray) -> np.ndarray:
        """Codes; those of the present frame and goal are taken as they are, since a batch may round differently."""
        codes = self.metric_reward.measure.encode(frames)
        for known, code in ((self._here, self._lanes.codes), (self._lanes.goals, self._lanes.goal_codes)):
            codes[(frames == known).reshape(len(frames), -1).all(1)] = code[0]
        return codes

    def _codes_before(self, infos: Any) -> np.ndarray:
        missing = [i for i, info in enumerate(infos) if "metric_code" not in (info or {})]
        if missing:
            raise RewardError(
                f"compute_reward in mode {self.metric_reward.mode!r} needs to know where each step began, and info of "
                f"{len(missing)} of {len(infos)} steps has no 'metric_code'. Stable-Baselines3's HerReplayBuffer drops "
                "it: use agents.sb3.MetricHerReplayBuffer, or mode='distance'"
            )
        return np.stack([info["metric_code"] for info in infos])
