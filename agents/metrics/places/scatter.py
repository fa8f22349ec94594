"""Linear features that tell places apart: principal components, then Fisher's discriminants."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from ...networks import in_chunks

_AT_ONCE = 1024  # images


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

    def work(images: np.ndarray) -> torch.Tensor:
        pooled = adaptive_avg_pool2d(torch.tensor(images).float(), size).flatten(1).numpy()
        pooled -= pooled.mean(1, keepdims=True)
        return torch.from_numpy(pooled / (pooled.std(1, keepdims=True) + np.float32(1e-3)))

    return in_chunks(work, observations, _AT_ONCE).numpy()


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
