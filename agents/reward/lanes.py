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


class LaneRewards:
    """The state that a reward has in parallel episodes; a lane is one of them.

    The code of a goal is kept while the goal stays, and that of an observation from one step to the next, so each step
    embeds one observation a lane, and all lanes in one pass.
    """

    def __init__(self, reward: MetricReward, num_lanes: int) -> None:
        self.reward, self.num_lanes = reward, num_lanes
        self.goals: np.ndarray | None = None  # (B, ...) observations
        self._seen: list[np.ndarray] = [np.zeros((0, 0), np.float32)] * num_lanes  # (T, D) codes each, for novelty

    def begin(self, observations: np.ndarray, goals: np.ndarray, lanes: np.ndarray | None = None) -> None:
        """Start an episode.

        Args:
            observations: (K, ...) first observation of each of these lanes.
            goals: (K, ...) its goal.
            lanes: (K,) lanes; all of them by default, which the first call must be.
        """
        measure = self.reward.measure
        lanes = np.arange(self.num_lanes) if lanes is None else lanes
        goals = np.asarray(goals)
        if self.goals is None:
            stays = np.zeros(len(lanes), bool)
        else:
            stays = (self.goals[lanes] == goals).reshape(len(lanes), -1).all(1)
        codes = measure.encode(observations)
        if self.goals is None:
            self.goals = np.array(goals)
            self.codes, self.goal_codes = codes, measure.encode(goals)
            self.distances = np.zeros(self.num_lanes, np.float32)
        else:
            self.goals[lanes] = goals
            self.codes[lanes] = codes
            if not stays.all():
                self.goal_codes[lanes[~stays]] = measure.encode(goals[~stays])
        if self.reward.mode == "novelty":
            for lane in lanes.tolist():
                self._seen[lane] = self.codes[lane : lane + 1].copy()
        else:
            self.distances[lanes] = measure.between(self.codes[lanes], self.goal_codes[lanes])

    def step(self, reached: np.ndarray, env_rewards: np.ndarray, terminated: np.ndarray) -> StepRewards:
        """The rewards of one step of all lanes.

        Args:
            reached: (B, ...) observation that each step led to; before an auto-reset, not after.
            env_rewards: (B,) the task's own rewards.
            terminated: (B,) bool, where the task ended.
        """
        before = self.distances
        self.codes = self.reward.measure.encode(reached)
        if self.reward.mode == "novelty":
            self.distances = self._to_seen()
        else:
            self.distances = self.reward.measure.between(self.codes, self.goal_codes)
        return StepRewards(
            self.reward.of_distances(before, self.distances, env_rewards, terminated), self.distances.copy()
        )

    def _to_seen(self) -> np.ndarray:
        """(B,) D from where each lane is to the nearest of what it saw before; from now on it saw this too."""
        lengths = [len(seen) for seen in self._seen]
        gaps = self.reward.measure.between(np.repeat(self.codes, lengths, 0), np.concatenate(self._seen))
        self._seen = [np.append(seen, code[None], 0) for seen, code in zip(self._seen, self.codes, strict=True)]
        return np.minimum.reduceat(gaps, np.cumsum([0, *lengths[:-1]]))
