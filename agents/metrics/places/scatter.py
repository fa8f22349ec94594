"""Linear features that tell places apart: principal components, then Fisher's discriminants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

_AT_ONCE = 1024


def standardised(observations: np.ndarray, side: int) -> np.ndarray:
    """Pooled images with mean 0 and standard deviation 1 each, so that exposure does not count; vectors as they are.

    Args:
        observations: (B, C, H, W) uint8, or (B, D).
        side: rows and columns of a pooled image; a smaller image is not pooled.

    Returns:
        (B, P) float32.
    """
    if observations.ndim == 2:
        return np.asarray(observations, np.float32)
    size = tuple(min(side, length) for length in observations.shape[2:])
    parts = [
        adaptive_avg_pool2d(torch.tensor(observations[i : i + _AT_ONCE]).float(), size).flatten(1).numpy()
        for i in range(0, len(observations), _AT_ONCE)
    ]
    pooled = np.concatenate(parts)
    pooled -= pooled.mean(1, keepdims=True)
    return pooled / (pooled.std(1, keepdims=True) + np.float32(1e-3))


def principal_components(samples: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (P,) and the leading components (P, Q) of (N, P) samples; Q is at most ``most``, P and N - 1."""
    mean = samples.mean(0)
    centred = samples - mean
    values, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred / len(centred))
    kept = min(most, len(values), max(1, len(samples) - 1))
    kept = max(1, min(kept, int((values > 1e-9 * values[-1]).sum())))
    return mean, vectors[:, ::-1][:, :kept].astype(np.float32)


def discriminants(latents: np.ndarray, pairs: np.ndarray, most: int, shrinkage: float) -> np.ndarray:
    """A linear map after which pairs differ by noise of variance 1, and all latents as much as can be.

    Args:
        latents: (N, Q).
        pairs: (R, 2) rows that show the same, or nearly.
        most: dimensions of the answer at most.
        shrinkage: in [0, 1], of the scatter of pairs towards a multiple of the identity (Friedman 1989).

    Returns:
        (Q, D) float32, its columns by descending scatter of all latents.
    """
    gaps = (latents[pairs[:, 0]] - latents[pairs[:, 1]]).astype(np.float64)
    within = gaps.T @ gaps / (2 * max(len(gaps), 1))
    level = max(float(np.trace(within)) / len(within), 1e-12)
    within = (1 - shrinkage) * within + shrinkage * level * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-9 * level))
    white = (latents - latents.mean(0)) @ whiten
    spread, directions = np.linalg.eigh(white.T @ white / len(white))
    order = np.argsort(-spread)[: min(most, len(spread))]
    return (whiten @ directions[:, order]).astype(np.float32)


def nearest(
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
    rows = np.empty((len(queries), count), np.int64)
    for i in range(0, len(queries), at_once):
        block = torch.as_tensor(queries[i : i + at_once])
        # Ranks alone; the distances themselves are not taken from this difference of large numbers.
        ranks = torch.addmm(norms, block, targets.T, alpha=-2)
        rows[i : i + at_once] = ranks.topk(count, dim=1, largest=False).indices.numpy()
    gaps = _squared_gaps(queries, keys, rows)
    order = np.argsort(gaps, axis=1, kind="stable")
    return np.take_along_axis(rows, order, 1), np.take_along_axis(gaps, order, 1)


def squared_norms(keys: np.ndarray) -> torch.Tensor:
    """(N, D) float32 -> (N,) float32."""
    return torch.as_tensor(keys).square().sum(1)


def _squared_gaps(queries: np.ndarray, keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    gaps = np.empty(rows.shape, np.float32)
    for i in range(0, len(queries), _AT_ONCE):
        part = slice(i, i + _AT_ONCE)
        gaps[part] = np.square(queries[part, None] - keys[rows[part]]).sum(-1)
    return gaps


def lengths(latents: np.ndarray, pairs: np.ndarray | Sequence[tuple[int, int]]) -> np.ndarray:
    """Distances of pairs of rows: (N, D) and (R, 2) -> (R,) float32."""
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    return np.linalg.norm(latents[pairs[:, 0]] - latents[pairs[:, 1]], axis=1)
