"""What all metrics on latents share: an embedding, often by a network, and the distance of its latents by a head."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch

from data_collection import Dataset

from ..graphs.lengths import lengths_of
from ..graphs.transitions import moving_transitions
from ..networks import Trunk, embed_in_chunks
from ..training.network_arrays import SavedNetwork
from .heads import MetricHead, get_head


class LatentMetric(ABC):
    """D(x, g) = head(phi(x), phi(g)), in steps.

    Attributes:
        head: the distance of two latents.
        device: where latents are computed.
    """

    head: MetricHead
    device: torch.device

    @abstractmethod
    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations, (B, D) float32."""

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """D between matching latents, (..., D) and (..., D) -> (...) float32, in steps."""
        with torch.inference_mode():
            z, g = (torch.as_tensor(array, device=self.device) for array in (latents, goal_latents))
            return self.head.distance(z, g).cpu().numpy()


class NetworkMetric(SavedNetwork, LatentMetric):
    """A metric whose latents are those of a trunk, times a scale."""

    network: Trunk
    scale: float = 1.0

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Scaled latents of (B, ...) observations, (B, D) float32."""
        latents = embed_in_chunks(self.network, observations, self.device)
        return latents if self.scale == 1 else latents * np.float32(self.scale)

    def calibrate(self, dataset: Dataset) -> None:
        """Set the scale so that recorded moves are one step long on average, by L2."""
        self.scale = 1.0
        length = float(lengths_of(self.embed(dataset.observations), self._moves(dataset)).mean())
        self.scale = 1 / length if length > 0 else 1.0

    def _moves(self, dataset: Dataset, window: int = 1) -> np.ndarray:
        """(P, 2) rows that count as neighbours."""
        return moving_transitions(dataset, window)


class EmbeddingMetric(NetworkMetric):
    """D(x, g) = scale * ||phi(x) - phi(g)||, or another head of the latents, out of any embedding.

    Latents that were not learned from distances have a unit of their own. The scale leaves every argmin as it is, and
    gives forward model and memory the same unit to work in as those of any other agent.
    """

    numbers = ("scale",)

    def __init__(self, network: Trunk, device: torch.device, head: MetricHead | None = None) -> None:
        """An untrained metric; ``head`` is L2 by default."""
        self.device = device
        self.head = head or get_head("l2")
        self.network = network.to(device)
