"""The 2-d embedding, coloured by true position (the paper's Fig. 5)."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_collection import Dataset

from ..worlds import room_of
from .style import draw_room, figure, png, position_colors


def embedding_figure(agent: Any, dataset: Dataset, *, num_points: int = 4000, seed: int = 0) -> bytes:
    """Latents of dataset frames, coloured by where they were taken, beside the room in the same colours.

    More than two latent dimensions are shown by their first two principal components, and the title says so.
    """
    rows = np.random.default_rng(seed).permutation(len(dataset.observations))[:num_points]
    position = np.asarray(dataset.oracle_position)[rows]
    latents = np.asarray(agent.embed(dataset.observations[np.sort(rows)]))[np.argsort(np.argsort(rows))]
    title = "embedding (2-d)"
    if latents.shape[1] > 2:
        centred = latents - latents.mean(0)
        _, spread, axes_ = np.linalg.svd(centred, full_matrices=False)
        share = (spread[:2] ** 2).sum() / (spread**2).sum()
        latents = centred @ axes_[:2].T
        title = f"first two principal components of {len(spread)} ({share:.0%} of the variance)"
    latents = upright(latents - latents.mean(0), position)
    colors = position_colors(position)
    with figure(7.6, 3.8, 2, width_ratios=[1, 1.25]) as (drawing, axes):
        draw_room(axes[0], room_of(str(dataset.env_id)), "the room")
        axes[0].scatter(*position.T, c=colors, s=5, linewidths=0)
        axes[1].scatter(*latents.T, c=colors, s=5, linewidths=0)
        axes[1].set(aspect="equal", title=title, xlabel="steps", ylabel="steps")
        return png(drawing)


def upright(latents: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Turns (or mirrors) centred 2-d latents to lie as the positions do; distances stay as they are."""
    u, _, vt = np.linalg.svd(latents.T @ (position - position.mean(0)))
    return latents @ (u @ vt)
