"""Vertices spread over the data, so that every recorded observation has one nearby, and how near."""

from __future__ import annotations

import numpy as np
import scipy

from data_collection import Dataset


def pool_rows(dataset: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Ascending rows of a dataset, drawn by chance; all of them if there are no more than ``count``."""
    size = dataset.num_observations
    return np.arange(size) if size <= count else np.sort(rng.choice(size, count, replace=False))


def spread_rows(latents: np.ndarray, count: int, rng: np.random.Generator, start: int | None = None) -> np.ndarray:
    """Rows far from one another, by farthest-point sampling (Gonzalez 1985): within twice the best covering radius.

    Args:
        latents: (N, D) float32.
        count: rows wanted; fewer come back where only so many differ.
        rng: chooses the first.
        start: the first row; drawn by default.

    Returns:
        (K,) ascending int64, K <= count.
    """
    size = len(latents)
    first = int(rng.integers(size)) if start is None else start
    chosen = [first]
    gaps = _squared(latents, latents[first])
    while len(chosen) < min(count, size):
        farthest = int(gaps.argmax())
        if gaps[farthest] <= 0:
            break
        chosen.append(farthest)
        np.minimum(gaps, _squared(latents, latents[farthest]), out=gaps)
    return np.sort(np.array(chosen, np.int64))


def covering_radius(latents: np.ndarray, vertices: np.ndarray, share: float = 1.0) -> float:
    """How near a vertex is to each of (N, D) latents: the largest gap, or that which a share of them stays below."""
    gaps = scipy.spatial.cKDTree(vertices).query(latents)[0]
    return float(gaps.max() if share == 1 else np.quantile(gaps, share))


def _squared(latents: np.ndarray, point: np.ndarray) -> np.ndarray:
    # Differences first: expanding the square cancels where coordinates are large and gaps small.
    gap = latents - point
    return np.einsum("nd,nd->n", gap, gap)
