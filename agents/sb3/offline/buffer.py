"""Hindsight replay from a recorded dataset: a Stable-Baselines3 buffer that holds rows in place of frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from data_collection import Dataset

KEYS = ("observation", "achieved_goal", "desired_goal")
RowReward = Callable[[np.ndarray, np.ndarray], np.ndarray]


class RowReplayBuffer(HerReplayBuffer):
    """All transitions of a dataset, each observation stored as its row; frames are gathered when a batch is drawn.

    It differs from the buffer that it extends in four ways. Rewards come from a function of two rows, not from an
    environment. ``done`` is where the goal is reached, also for goals chosen in hindsight, since that is where the
    task ends. Goals that are not chosen in hindsight are rows of the whole dataset drawn anew for every batch, which
    lets values spread from one trajectory to the next. And a batch is drawn from a generator that the caller sets.
    """

    def __init__(
        self,
        dataset: Dataset,
        reward: RowReward,
        frames: torch.Tensor,
        *,
        future_share: float = 0.8,
        goals: np.ndarray | None = None,
    ) -> None:
        """Fill the buffer with a dataset, as as many calls of ``add`` would.

        Args:
            dataset: M transitions of discrete actions in K episodes; N rows.
            reward: (B,) rows achieved, (B,) rows desired -> (B,) float32, 0 at the goal and -1 elsewhere.
            frames: (N, ...) what the network takes in place of each row, on the device where it is trained.
            future_share: share of a batch whose goal comes later in the same episode.
            goals: (K,) row that each episode is noted to have aimed at; by default its last one.
        """
        assert dataset.num_actions is not None
        rows = spaces.Box(0, dataset.num_observations - 1, (1,), np.int64)
        super().__init__(
            dataset.num_transitions,
            spaces.Dict({key: rows for key in KEYS}),
            spaces.Discrete(dataset.num_actions),
            env=None,  # type: ignore[arg-type]  # rewards come from the function
            device=frames.device,
        )
        self.her_ratio = future_share
        self.reward, self.frames = reward, frames
        self.rng = np.random.default_rng(0)
        self.drawn: dict[str, np.ndarray] = {}  # rows of the last batch
        lengths = dataset.episode_lengths
        self._fill(dataset, dataset.episode_starts + lengths if goals is None else goals)

    def _fill(self, dataset: Dataset, goals: np.ndarray) -> None:
        lengths = dataset.episode_lengths
        before, after = dataset.transitions.T
        desired = np.repeat(goals, lengths)
        for stored, row in ((self.observations, before), (self.next_observations, after)):
            stored["observation"][:, 0, 0] = stored["achieved_goal"][:, 0, 0] = row
            stored["desired_goal"][:, 0, 0] = desired
        self.actions[:, 0, 0] = dataset.actions
        self.rewards[:, 0] = self.reward(after, desired)
        ends = np.cumsum(lengths)
        # Where a recording ends the task does not: a timeout, beyond which values are bootstrapped.
        self.dones[ends - 1] = self.timeouts[ends - 1] = 1
        self.ep_start[:, 0] = np.repeat(ends - lengths, lengths)
        self.ep_length[:, 0] = np.repeat(lengths, lengths)
        self.pos, self.full = 0, True
        self._current_ep_start[:] = 0

    def sample(self, batch_size: int, env: Any = None) -> DictReplayBufferSamples:  # type: ignore[override]
        """A batch of transitions with new goals: the first ``future_share`` of it in hindsight, the rest random.

        Args:
            batch_size: B.
            env: Not used; nothing is normalised here.
        """
        at = self.rng.integers(self.buffer_size, size=batch_size)
        before, after = (o["observation"][at, 0, 0] for o in (self.observations, self.next_observations))
        first, length = self.ep_start[at, 0], self.ep_length[at, 0]
        later = first + self.rng.integers(at - first, length)  # the transition itself included
        goal = self.next_observations["achieved_goal"][later, 0, 0]
        num_hindsight = int(self.her_ratio * batch_size)
        goal[num_hindsight:] = self.rng.integers(len(self.frames), size=batch_size - num_hindsight)
        self.drawn = {"transition": at, "goal": goal}
        rewards = self.to_torch(self.reward(after, goal)[:, None])
        desired = self._gather(goal)
        return DictReplayBufferSamples(
            observations={"observation": self._gather(before), "desired_goal": desired},
            actions=self.to_torch(self.actions[at, 0]),
            next_observations={"observation": self._gather(after), "desired_goal": desired},
            dones=(rewards == 0).float(),
            rewards=rewards,
        )

    def _gather(self, rows: np.ndarray) -> torch.Tensor:
        return self.frames[torch.as_tensor(rows, device=self.frames.device)]
