"""The local metric of worlds where each place is seen a few times: is this the same place, in another light?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from data_collection import Dataset, DatasetError

from ...errors import ConfigError
from ...graphs.lengths import lengths_of
from ...networks import ROWS_AT_ONCE, in_chunks
from ...training.saving import Arrays
from .matching import Neighbours, group_frames, pairs_within
from .scatter import discriminants, principal_components, standardised

_SHRINKAGE = 3.0
"""The scatter within places is shrunk towards a ball by the share r / (r + matches / components)."""
_MISTAKEN = 0.01
"""Share of recorded neighbours, which are different places, that the threshold takes for one place; what it wrongly
takes for one is not yet a match, see ``matching``."""


@dataclass(frozen=True)
class PlaceMetricConfig:
    """How places are known again."""

    side: int = 16
    """rows and columns that an image is pooled to"""
    components: int = 200
    """principal components of the pooled images"""
    latent_dim: int = 96
    """discriminants that are kept"""
    rounds: tuple[float, ...] = (0.01, 0.01, 0.01)
    """rounds in which places are put together and the discriminants learned from them, each with the share
    of recorded neighbours, which are different places, that its threshold takes for one place"""
    candidates: int = 24
    """nearest frames that are looked at for each frame"""

    def __post_init__(self) -> None:
        for name in ("side", "components", "latent_dim", "candidates"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} {getattr(self, name)}: need at least 1")
        if not self.rounds:
            raise ConfigError("rounds is empty: at least one is needed to learn what differs within a place")
        if not all(0 <= share <= 1 for share in self.rounds):
            raise ConfigError(f"rounds {self.rounds}: shares of neighbours are from 0 to 1")

    def memory_need(self, size: Any) -> int:
        """Bytes: pooled images, their components and discriminants."""
        pooled = size.observation_shape[0] * (self.side**2 if len(size.observation_shape) == 3 else 1)
        size.latents = min(self.latent_dim, pooled)
        return size.rows * (12 * pooled + 8 * min(self.components, pooled) + 8 * size.latents + size.row_bytes)


class PlaceMetric:
    """d(x, y) = ||f(x) - f(y)||, f linear in the pooled image, in standard deviations of what differs within a place.

    What differs within a place (traffic, light, lane) is learned without labels, from frames of different drives that
    match as sequences (see ``matching``); better features find more matches, and more matches give better features.
    """

    def __init__(self, config: PlaceMetricConfig, mean: np.ndarray, projection: np.ndarray, threshold: float) -> None:
        """From what was learned: (P,) mean, (P, D) projection."""
        self.config = config
        self.mean, self.projection, self.threshold = mean, projection, threshold
        self.device = torch.device("cpu")

    @classmethod
    def fit(cls, config: PlaceMetricConfig, dataset: Dataset) -> tuple[PlaceMetric, dict[str, float]]:
        """Learn from sequences.

        Args:
            config: How.
            dataset: Recorded sequences.

        Returns:
            The metric and its figures: ``alike``, pairs that were learned from in the last round, ``threshold``, and
            ``neighbour_median``, the median distance of recorded neighbours.
        """
        frames, row_frames = unique_frames(dataset.observations)
        samples = standardised(dataset.observations[frames], config.side)
        # With as many components as frames, any two groups of frames can be made to look alike.
        mean, components = principal_components(samples, min(config.components, max(2, len(frames) // 4)))
        latents = (samples - mean) @ components
        steps = row_frames[dataset.transitions]
        steps = steps[steps[:, 0] != steps[:, 1]]
        if not len(steps):
            raise DatasetError("all recorded steps lead to the very same frame; there is nothing to tell apart")
        neighbours = Neighbours.of(len(frames), steps)

        def threshold_of(found: np.ndarray, mistaken: float) -> float:
            return float(np.quantile(lengths_of(found, steps), mistaken))

        maps = np.eye(latents.shape[1], dtype=np.float32)
        for mistaken in config.rounds:
            found = latents @ maps
            places, _ = group_frames(found, neighbours, threshold_of(found, mistaken), config.candidates)
            alike = pairs_within(places)
            # Seen once each, as far as can be told: then neighbours, whose views are nearly the same, must do.
            alike = alike if len(alike) else steps
            share = _SHRINKAGE * latents.shape[1]
            maps = discriminants(latents, alike, config.latent_dim, share / (share + len(alike)))
        found = latents @ maps
        threshold = threshold_of(found, _MISTAKEN)
        figures = {
            "alike": float(len(alike)),
            "threshold": threshold,
            "neighbour_median": float(np.median(lengths_of(found, steps))),
        }
        return cls(config, mean, (components @ maps).astype(np.float32), threshold), figures

    @property
    def nbytes(self) -> int:
        """Bytes that are kept for embedding."""
        return self.mean.nbytes + self.projection.nbytes

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents of (B, ...) observations, (B, D) float32."""

        def work(part: np.ndarray) -> torch.Tensor:
            return torch.from_numpy((standardised(part, self.config.side) - self.mean) @ self.projection)

        return in_chunks(work, observations, ROWS_AT_ONCE).numpy()

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        return {"mean": self.mean, "projection": self.projection, "threshold": np.array([self.threshold])}

    @classmethod
    def restore(cls, config: PlaceMetricConfig, arrays: Arrays) -> PlaceMetric:
        """The metric that ``arrays`` came from."""
        return cls(config, arrays["mean"], arrays["projection"], float(arrays["threshold"][0]))


def unique_frames(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames that differ in at least one byte.

    Args:
        observations: (N, ...).

    Returns:
        (U,) rows of the first of each, ascending, and (N,) which of them each row is.
    """
    seen: dict[bytes, int] = {}
    which = np.array([seen.setdefault(frame.tobytes(), len(seen)) for frame in observations])
    return np.unique(which, return_index=True)[1], which
