"""The nearest of many latents, by products of matrices, measured again by differences."""

from __future__ import annotations

import numpy as np
import torch


def k_nearest(
    queries: np.ndarray,
    keys: np.ndarray,
    count: int,
    *,
    at_once: int | None = None,
    norms: torch.Tensor | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest keys of each query, a block of queries at a time.

    Args:
        queries: (B, D) float32.
        keys: (N, D) float32.
        count: how many, at most N.
        at_once: queries a block; by default so many that a block takes half a gigabyte at most.
        norms: (N,) ``squared_norms`` of the keys; measured if not given, which takes longer than a single query.

    Returns:
        Rows (B, count) int64 and squared distances (B, count) float32, the nearest first.
    """
    count = min(count, len(keys))
    at_once = at_once or max(1, min(1024, 2**27 // len(keys)))
    targets = torch.as_tensor(keys)
    norms = squared_norms(keys) if norms is None else norms
    rows, gaps = np.empty((len(queries), count), np.int64), np.empty((len(queries), count), np.float32)
    for i in range(0, len(queries), at_once):
        part = slice(i, i + at_once)
        # Ranks alone; the distances themselves are not taken from this difference of large numbers.
        ranks = torch.addmm(norms, torch.as_tensor(queries[part]), targets.T, alpha=-2)
        rows[part] = ranks.topk(count, dim=1, largest=False).indices.numpy()
        gaps[part] = np.square(queries[part, None] - keys[rows[part]]).sum(-1)
    order = np.argsort(gaps, axis=1, kind="stable")
    return np.take_along_axis(rows, order, 1), np.take_along_axis(gaps, order, 1)


def squared_norms(keys: np.ndarray) -> torch.Tensor:
    """(N, D) float32 -> (N,) float32."""
    return torch.as_tensor(keys).square().sum(1)
