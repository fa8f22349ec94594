"""Rewards of many parallel episodes, with everything kept that the next step needs again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .metric_reward import MetricReward


class StepRewards(NamedTuple):
    """What a step of B lanes was worth."""

    reward: np.ndarray
    """(B,) float32"""
    distance: np.ndarray
    """(B,) float32, D to the goal after the step, in steps; for ``novelty`` to the nearest of what was seen"""


class Starts(NamedTuple):
    """Lanes in which an episode starts."""

    lanes: np.ndarray
    """(K,) which"""
    observations: np.ndarray
    """(K, ...) first observation of each"""
    goals: np.ndarray
    """(K, ...) its goal"""


class ParallelRewards:
    """The state that a reward has in parallel episodes; a lane is one of them.

    The code of a goal is kept while the goal stays, and that of an observation from one step to the next, so each step
    embeds one observation a lane; all lanes, and what starts in them, in one pass.
    """

    def __init__(self, reward: MetricReward, num_episodes: int) -> None:
        self.reward, self.num_episodes = reward, num_episodes
        self.goals: np.ndarray | None = None  # (B, ...) observations
        self.codes = self.goal_codes = np.zeros((0, 0), np.float32)  # (B, D)
        self.distances = np.zeros(num_episodes, np.float32)  # as of ``StepRewards``
        self._seen: list[np.ndarray] = [np.zeros((0, 0), np.float32)] * num_episodes  # (T, D) codes each, for novelty

    def begin(self, observations: np.ndarray, goals: np.ndarray, lanes: np.ndarray | None = None) -> None:
        """Start an episode.

        Args:
            observations: (K, ...) first observation of each of these lanes.
            goals: (K, ...) its goal.
            lanes: (K,) lanes; all of them by default, which the first call must be.

        Raises:
            MetricError: if the metric is NaN or infinite.
        """
        goals = np.asarray(goals)
        starts = Starts(np.arange(self.num_episodes) if lanes is None else lanes, observations, goals)
        changed = self._changed(starts)
        # One by one, so that an episode's rewards do not depend, by rounding, on whether its goal was known already.
        first = self.reward.measure.encode(starts.observations)
        self._start(starts, changed, first, self.reward.measure.encode(goals[changed]) if changed.any() else first[:0])

    def step(
        self, reached: np.ndarray, env_rewards: np.ndarray, terminated: np.ndarray, starts: Starts | None = None
    ) -> StepRewards:
        """The rewards of one step of all lanes.

        Args:
            reached: (B, ...) observation that each step led to; before an auto-reset, not after.
            env_rewards: (B,) the task's own rewards.
            terminated: (B,) bool, where the task ended.
            starts: what an auto-reset led to, as ``begin`` would be told next.

        Raises:
            MetricError: if the metric is NaN or infinite.
        """
        before, frames = self.distances, reached
        if starts is not None:
            changed = self._changed(starts)
            frames = np.concatenate([reached, starts.observations, starts.goals[changed]])
        codes = self.reward.measure.encode(frames)
        self.codes = codes[: self.num_episodes]
        if self.reward.mode == "novelty":
            self.distances = self._to_seen()
        else:
            self.distances = self.reward.measure.between(self.codes, self.goal_codes)
        reward = self.reward.of_distances(before, self.distances, env_rewards, terminated)
        found = StepRewards(reward, self.distances.copy())
        if starts is not None:
            _, first, goals = np.split(codes, [self.num_episodes, self.num_episodes + len(starts.lanes)])
            self._start(starts, changed, first, goals)
        return found

    def _changed(self, starts: Starts) -> np.ndarray:
        """(K,) bool, lanes with a goal whose code is not known."""
        if self.goals is None:
            return np.ones(len(starts.lanes), bool)
        return (self.goals[starts.lanes] != starts.goals).reshape(len(starts.lanes), -1).any(1)

    def _start(self, starts: Starts, changed: np.ndarray, first: np.ndarray, goals: np.ndarray) -> None:
        """Start lanes, given codes of their first observations and of the goals that changed."""
        lanes = starts.lanes
        if self.goals is None:
            self.goals, self.codes, self.goal_codes = np.array(starts.goals), first, goals
        else:
            self.goals[lanes], self.codes[lanes], self.goal_codes[lanes[changed]] = starts.goals, first, goals
        if self.reward.mode == "novelty":
            self.distances[lanes] = 0  # from what was seen
            for lane in lanes.tolist():
                self._seen[lane] = self.codes[lane : lane + 1].copy()
        else:
            self.distances[lanes] = self.reward.measure.between(self.codes[lanes], self.goal_codes[lanes])

    def _to_seen(self) -> np.ndarray:
        """(B,) D from where each lane is to the nearest of what it saw before; from now on it saw this too."""
        lengths = [len(seen) for seen in self._seen]
        gaps = self.reward.measure.between(np.repeat(self.codes, lengths, 0), np.concatenate(self._seen))
        self._seen = [np.append(seen, code[None], 0) for seen, code in zip(self._seen, self.codes, strict=True)]
        return np.minimum.reduceat(gaps, np.cumsum([0, *lengths[:-1]]))
