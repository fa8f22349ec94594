"""Which trajectories an agent learns from, and which it keeps to validate on."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from data_collection import Dataset, DatasetError
from data_collection.splits import fold_episodes


class ValidationSplit(NamedTuple):
    """Episode ids to learn from and to validate on."""

    learn: np.ndarray
    held_out: np.ndarray

    @classmethod
    def of(cls, dataset: Dataset, seed: int) -> Self:
        """A tenth is held out; of fewer than four episodes, all serve as both.

        Raises:
            DatasetError: if there is only one trajectory.
        """
        episodes = dataset.num_episodes
        if episodes < 2:
            raise DatasetError(
                "1 trajectory was given; the local metric contrasts neighbours with frames of other trajectories, "
                "so give at least 2, or cut a long one into pieces"
            )
        if episodes < 4:
            return cls(np.arange(episodes), np.arange(episodes))
        return cls(*fold_episodes(episodes, 0, min(10, episodes // 2), seed))

    def unseen(self, episode_ids: np.ndarray) -> np.ndarray:
        """Which of these belong to held-out episodes; none, if nothing would be left to learn from."""
        unseen = np.isin(episode_ids, self.held_out)
        return np.zeros(len(unseen), bool) if unseen.all() else unseen
