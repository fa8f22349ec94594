"""Choosing episodes: what to validate on, folds, nested budgets for learning curves. Always by trajectory."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from .errors import DatasetError

_SUBSET_SEED = 0x5EED  # one fixed order for everyone: that is what makes budgets nested


def fold_episodes(num_episodes: int, fold: int, num_folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Episode ids (train, held out) of one fold; the held-out sets of all folds partition the episodes.

    Args:
        num_episodes: number of episodes to split.
        fold: which fold is held out, in [0, num_folds).
        num_folds: number of folds, in [2, num_episodes].
        seed: which shuffled assignment of episodes to folds.

    Returns:
        Two ascending int64 arrays without a common element.

    Raises:
        DatasetError: if there are too few episodes for the folds, or no such fold.
    """
    if not 2 <= num_folds <= num_episodes:
        raise DatasetError(f"num_folds={num_folds} must lie in [2, {num_episodes}], the number of episodes")
    if not 0 <= fold < num_folds:
        raise DatasetError(f"fold={fold} must lie in [0, {num_folds - 1}] for num_folds={num_folds}")
    order = np.random.default_rng(seed).permutation(num_episodes)
    held_out = order % num_folds == fold
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def nested_episodes(num_episodes: int, budget: int) -> np.ndarray:
    """Ascending ids of `budget` episodes; a smaller budget is always contained in a larger one.

    Raises:
        DatasetError: if the budget is not in [1, num_episodes].
    """
    if not 1 <= budget <= num_episodes:
        raise DatasetError(f"a subset of {budget} episodes was asked for; need 1 to {num_episodes}")
    return np.sort(np.random.default_rng(_SUBSET_SEED).permutation(num_episodes)[:budget])


class ValidationSplit(NamedTuple):
    """Episode ids to learn from and to validate on."""

    learn: np.ndarray
    held_out: np.ndarray

    @classmethod
    def of(cls, dataset: Any, seed: int) -> Self:
        """Of a `Dataset` a tenth is held out; of fewer than four episodes, all serve as both.

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
