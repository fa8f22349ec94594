"""SPTM's memory graph (Savinov et al. 2018, Sec. 3.2): a thinned recording, joined where it comes back to a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_collection import Dataset

from ..errors import ConfigError
from .building import GraphConfig, choose_vertices
from .lengths import lengths_of


@dataclass(frozen=True)
class SPTMGraphConfig(GraphConfig):
    """Which frames are remembered, and what counts as a shortcut between them.

    They were made for one long walk through a labyrinth, and many short random ones gain little by them: in C-Maze
    (1000 rollouts, seed 0) success without memory is 82.5 % with none, 86 % with a window of 1, 72.5 % with every
    second frame.
    """

    temporal_subsampling: int = 1
    """every n-th frame of a trajectory is remembered; consecutive ones are then n steps apart"""
    shortcut_window: int = 0
    """a shortcut i, j is judged by the median of d(i + w, j + w) over -window <= w <= window (of remembered frames)"""
    min_temporal_gap: int = 0
    """frames of one trajectory make a shortcut only if more recorded steps than this lie between them"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temporal_subsampling < 1 or self.shortcut_window < 0 or self.min_temporal_gap < 0:
            raise ConfigError(
                f"temporal_subsampling={self.temporal_subsampling} must be at least 1, and "
                f"shortcut_window={self.shortcut_window} and min_temporal_gap={self.min_temporal_gap} at least 0"
            )

    @property
    def stride(self) -> int:
        """Recorded steps from a remembered frame to the next."""
        return self.temporal_subsampling

    def choose(
        self, dataset: Dataset, embed: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
    ) -> np.ndarray:
        """(V,) ascending dataset rows to remember: whole thinned trajectories, at most ``max_vertices`` frames."""
        rows = choose_vertices(dataset, self.max_vertices * self.stride, rng)
        rows = rows[_step(dataset, rows) % self.stride == 0]
        # Thinning a trajectory rounds its length up, so whole trajectories may have to go again.
        episodes = dataset.episode_ids[rows]
        last = int(episodes[min(self.max_vertices, len(rows) - 1)])
        return rows if len(rows) <= self.max_vertices else rows[episodes < last]

    def near(self, dataset: Dataset, rows: np.ndarray, latents: np.ndarray, threshold: float) -> np.ndarray:
        """(E, 2) vertex pairs, i < j, whose windows match: the median of d over the offsets is within the threshold.

        Offsets that leave either trajectory are left out of the median. See ``build`` for the arguments.
        """
        near = super().near(dataset, rows, latents, threshold)
        episode_ids, steps = dataset.episode_ids[rows], _step(dataset, rows)
        offsets = np.arange(-self.shortcut_window, self.shortcut_window + 1)
        if self.shortcut_window:
            # A median within the threshold needs some offset within it, so shifted near pairs are all the candidates.
            shifted = (near[:, None] + offsets[:, None]).reshape(-1, 2)
            origin = np.repeat(near, len(offsets), 0)
            inside = ((shifted >= 0) & (shifted < len(latents))).all(1)
            shifted, origin = shifted[inside], origin[inside]
            shifted = shifted[(episode_ids[shifted] == episode_ids[origin]).all(1) & (shifted[:, 0] != shifted[:, 1])]
            near = np.unique(shifted, axis=0)
            near = near[_median(latents, episode_ids, near, offsets) <= threshold]
        same = episode_ids[near[:, 0]] == episode_ids[near[:, 1]]
        return near[~same | (np.abs(np.diff(steps[near], axis=1)[:, 0]) > self.min_temporal_gap)]


def _median(latents: np.ndarray, episode_ids: np.ndarray, pairs: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(E,) median of d over the offsets at which both ends stay in their trajectories."""
    gaps = np.full((len(pairs), len(offsets)), np.nan)
    for column, offset in enumerate(offsets):
        moved = np.clip(pairs + offset, 0, len(latents) - 1)
        inside = ((moved == pairs + offset) & (episode_ids[moved] == episode_ids[pairs])).all(1)
        gaps[inside, column] = lengths_of(latents, moved[inside])
    return np.nanmedian(gaps, axis=1) if len(pairs) else np.zeros(0)


def _step(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """(V,) int64, step of each row within its trajectory."""
    return rows - dataset.episode_starts[dataset.episode_ids[rows]]
