"""Training pairs for a local metric: identical, neighbour and far (App. B.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import DatasetError

IDENTICAL, NEIGHBOR, FAR = 0, 1, 2


@dataclass(frozen=True, eq=False)
class PairBatch:
    """n pairs of dataset rows with what is known about each.

    Attributes:
        left: (n,) int64 rows.
        right: (n,) int64 rows.
        target: (n,) int64; 0 the same row, 1 one transition from left to right, 2 from different episodes.
    """

    left: np.ndarray
    right: np.ndarray
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.target)


def sample_pairs(
    transitions: np.ndarray,
    episode_ids: np.ndarray,
    n: int,
    *,
    ratio: tuple[float, float, float] = (1, 1, 2),
    rng: np.random.Generator,
) -> PairBatch:
    """Draw identical, neighbour and far pairs, in exactly the given ratio and in random order.

    Far pairs are drawn uniformly from all pairs of rows in different episodes, unfiltered: some of them are
    near each other by chance, and the loss has to survive that.

    Args:
        transitions: (M, 2) rows of the observed transitions.
        episode_ids: (N,) episode of every row, ascending.
        n: number of pairs.
        ratio: weights of identical : neighbour : far; counts are rounded by largest remainder.
        rng: source of all randomness.

    Returns:
        The pairs, shuffled.

    Raises:
        DatasetError: if the ratio is no ratio, n is negative, or far pairs are asked of a single episode.
    """
    same, near, far = _counts(n, ratio)
    rows = rng.integers(len(episode_ids), size=same)
    edges = transitions[rng.integers(len(transitions), size=near)]
    far_left, far_right = _far_pairs(episode_ids, far, rng)
    order = rng.permutation(n)
    return PairBatch(
        left=np.concatenate([rows, edges[:, 0], far_left])[order],
        right=np.concatenate([rows, edges[:, 1], far_right])[order],
        target=np.repeat([IDENTICAL, NEIGHBOR, FAR], [same, near, far])[order],
    )


def _counts(n: int, ratio: tuple[float, float, float]) -> tuple[int, int, int]:
    """Three counts that sum to n, as near to the ratio as whole numbers come."""
    weights = np.asarray(ratio, dtype=np.float64)
    if weights.shape != (3,) or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() == 0:
        raise DatasetError(f"ratio={ratio} must be three finite weights >= 0 (identical, neighbour, far), not all zero")
    if n < 0:
        raise DatasetError(f"n={n} pairs were asked for; need n >= 0")
    shares = n * weights / weights.sum()
    counts = np.floor(shares).astype(np.int64)
    leftover = n - int(counts.sum())
    counts[np.argsort(counts - shares, kind="stable")[:leftover]] += 1
    return int(counts[0]), int(counts[1]), int(counts[2])


def _far_pairs(episode_ids: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows in different episodes, uniform over all such ordered pairs, without rejection.

    The pairs are numbered: first by the episode of left, then by left, then by right. One number is drawn for
    each pair wanted and taken apart again; right skips over the block of rows that is left's own episode.
    """
    num_rows = len(episode_ids)
    sizes = np.bincount(episode_ids)
    if n and np.count_nonzero(sizes) < 2:
        raise DatasetError("far pairs come from different episodes, and this dataset has only one; use ratio=(1, 1, 0)")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    outside = num_rows - sizes
    ways = np.cumsum(sizes * outside)  # ordered pairs whose left lies in this episode or an earlier one
    draw = rng.integers(ways[-1], size=n) if n else np.zeros(0, np.int64)
    episode = np.searchsorted(ways, draw, side="right")
    within = draw - np.concatenate([[0], ways])[episode]
    left = starts[episode] + within // np.maximum(outside[episode], 1)
    right = within % np.maximum(outside[episode], 1)
    right += np.where(right >= starts[episode], sizes[episode], 0)
    return left, right
