"""Hindsight replay from a recorded dataset: batches as Stable-Baselines3 takes them, drawn by rows of the dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import DictReplayBufferSamples

from data_collection import Dataset

RowReward = Callable[[np.ndarray, np.ndarray], np.ndarray]


class RowReplayBuffer:
    """All transitions of a dataset, each observation as its row; frames are gathered when a batch is drawn.

    It differs from Stable-Baselines3's ``HerReplayBuffer`` in four ways. Rewards come from a function of two rows, not
    from an environment. ``done`` is where the goal is reached, also for goals chosen in hindsight, since that is where
    the task ends; where a recording ends it does not, and values are bootstrapped. Goals that are not chosen in
    hindsight are rows of the whole dataset drawn anew for every batch, which lets values spread from one trajectory to
    the next. And a batch is drawn from a generator that the caller sets.
    """

    def __init__(self, dataset: Dataset, reward: RowReward, frames: torch.Tensor, *, future_share: float = 0.8) -> None:
        """Take a dataset.

        Args:
            dataset: M transitions of discrete actions; N rows.
            reward: (B,) rows achieved, (B,) rows desired -> (B,) float32, 0 at the goal and -1 elsewhere.
            frames: (N, ...) what the network takes in place of each row, on the device where it is trained.
            future_share: share of a batch whose goal comes later in the same episode.
        """
        assert dataset.actions is not None
        self.reward, self.frames, self.future_share = reward, frames, future_share
        self.rng = np.random.default_rng(0)
        self.drawn: dict[str, np.ndarray] = {}  # rows of the last batch
        self._before, self._after = dataset.transitions.T
        self._actions = np.asarray(dataset.actions, np.int64)[:, None]
        lengths = dataset.episode_lengths
        self._lengths = np.repeat(lengths, lengths)  # of the episode of each transition
        self._first = np.repeat(np.cumsum(lengths) - lengths, lengths)  # its first transition

    def sample(self, batch_size: int, env: Any = None) -> DictReplayBufferSamples:
        """A batch of transitions with new goals: the first ``future_share`` of it in hindsight, the rest random.

        Args:
            batch_size: B.
            env: Not used; nothing is normalised here.
        """
        at = self.rng.integers(len(self._actions), size=batch_size)
        before, after, first = self._before[at], self._after[at], self._first[at]
        later = first + self.rng.integers(at - first, self._lengths[at])  # the transition itself included
        goal = self._after[later]
        num_hindsight = int(self.future_share * batch_size)
        goal[num_hindsight:] = self.rng.integers(len(self.frames), size=batch_size - num_hindsight)
        self.drawn = {"transition": at, "goal": goal}
        rewards = torch.as_tensor(self.reward(after, goal)[:, None], device=self.frames.device)
        desired = self._gather(goal)
        return DictReplayBufferSamples(
            observations={"observation": self._gather(before), "desired_goal": desired},
            actions=torch.as_tensor(self._actions[at], device=self.frames.device),
            next_observations={"observation": self._gather(after), "desired_goal": desired},
            dones=(rewards == 0).float(),
            rewards=rewards,
        )

    def _gather(self, rows: np.ndarray) -> torch.Tensor:
        return self.frames[torch.as_tensor(rows, device=self.frames.device)]
