"""Vertices spread over the data, so that every recorded observation has one nearby, and how near."""

from __future__ import annotations

import numpy as np
import scipy

from data_collection import Dataset


def pool_rows(dataset: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Ascending rows of a dataset, drawn by chance; all of them if there are no more than ``count``."""
    size = dataset.num_observations
    return np.arange(size) if size <= count else np.sort(rng.choice(size, count, replace=False))


def farthest_points(points: np.ndarray, count: int, first: int) -> np.ndarray:
    """Rows far from one another, by farthest-point sampling (Gonzalez 1985): within twice the best covering radius.

    Args:
        points: (N, D) float32.
        count: rows wanted; fewer come back where only so many differ.
        first: the row to begin with.

    Returns:
        (K,) int64 in the order in which they were chosen, K <= count.
    """
    chosen = [first]
    gaps = _squared(points, points[first])
    while len(chosen) < min(count, len(points)):
        farthest = int(gaps.argmax())
        if gaps[farthest] <= 0:
            break
        chosen.append(farthest)
        np.minimum(gaps, _squared(points, points[farthest]), out=gaps)
    return np.array(chosen, np.int64)


def covering_radius(latents: np.ndarray, vertices: np.ndarray) -> float:
    """The largest gap from one of (N, D) latents to the vertex that is nearest to it."""
    return float(scipy.spatial.cKDTree(vertices).query(latents)[0].max())


def _squared(points: np.ndarray, point: np.ndarray) -> np.ndarray:
    # Differences first: expanding the square cancels where coordinates are large and gaps small.
    gap = points - point
    return np.einsum("nd,nd->n", gap, gap)
