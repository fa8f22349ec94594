"""A global metric for images that the local metric carries: know the place again, then look its latents up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch

from ...networks import ROWS_AT_ONCE, in_chunks
from ...training.saving import Arrays
from ..heads import get_head
from ..latent_metric import LatentMetric
from ..nearest import k_nearest, squared_norms
from .table_embedding import TableConfig


@dataclass(frozen=True)
class AnchorConfig:
    """How an image finds its latents."""

    nearest: int = 32
    """anchors that are averaged over"""
    temperature: float = 1.0
    """of their weights exp(-d^2 / (2 temperature)), d in the unit of the local metric: standard deviations within a
    place, or steps"""


@dataclass(frozen=True)
class AnchoredConfig:
    """The local metric knows frames again, and a table holds their latents: exact on the graph, and as large as it."""

    kind: ClassVar[str] = "anchored"
    table: TableConfig = field(default_factory=TableConfig)
    """latents of the vertices"""
    anchors: AnchorConfig = field(default_factory=lambda: AnchorConfig(nearest=8, temperature=0.05))
    """from an observation to latents"""

    def memory_need(self, size: Any) -> int:
        """Bytes that embedding the table takes."""
        return self.table.memory_need(size)


class AnchoredMetric(LatentMetric):
    """phi(x) = sum_i w_i phi_i over the anchors nearest to x, and D(x, g) = ||phi(x) - phi(g)||^2.

    Anchors are the recorded frames, each with the latents of its place. What generalises to new pictures is the local
    metric; a network that regresses global latents from images memorises them.
    """

    def __init__(
        self, config: AnchorConfig, local: Any, keys: np.ndarray, places: np.ndarray, table: np.ndarray
    ) -> None:
        """Put together what was learned.

        Args:
            config: How to average.
            local: The local metric: embeds observations.
            keys: (U, Q) float32, local latents of the anchors.
            places: (U,) int64, place of each.
            table: (V, D) float32, latents of the places.
        """
        self.config, self.local = config, local
        self.keys, self.places, self.table = keys, places, table
        self._norms = squared_norms(keys)
        self.head = get_head("squared-l2")
        self.device = torch.device("cpu")

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents of (B, ...) observations, (B, D) float32."""
        return in_chunks(self._looked_up, observations, ROWS_AT_ONCE).numpy()

    def _looked_up(self, observations: np.ndarray) -> torch.Tensor:
        rows, gaps = k_nearest(self.local.embed(observations), self.keys, self.config.nearest, norms=self._norms)
        weights = np.exp((gaps[:, :1] - gaps) / (2 * self.config.temperature))
        weights /= weights.sum(1, keepdims=True)
        found = np.zeros((len(rows), self.table.shape[1]), np.float32)
        for weight, row in zip(weights.T, rows.T, strict=True):
            found += weight[:, None] * self.table[self.places[row]]
        return torch.from_numpy(found)

    @property
    def vertex_embeddings(self) -> np.ndarray:
        """The table."""
        return self.table

    @property
    def nbytes(self) -> int:
        """Bytes that are kept for acting, but for what follows from them."""
        return self.local.nbytes + sum(array.nbytes for array in (self.keys, self.places, self.table))

    def arrays(self) -> Arrays:
        """Everything but the local metric, as arrays."""
        return {"keys": self.keys, "places": self.places, "table": self.table}

    @classmethod
    def restore(cls, config: AnchorConfig, local: Any, arrays: Arrays) -> Self:
        """The metric that ``arrays`` came from, over the same local metric."""
        return cls(config, local, arrays["keys"], arrays["places"], arrays["table"])
