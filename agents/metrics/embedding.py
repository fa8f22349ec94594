"""A metric out of any embedding: the L2 distance of its latents, in the unit of one recorded step."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch

from data_collection import Dataset

from ..graphs.pruning import lengths_of
from ..graphs.transitions import moving_transitions
from ..networks import Trunk, embed_in_chunks
from ..training.network_arrays import load_network, network_arrays
from ..training.saving import Arrays
from .heads import MetricHead, get_head
from .latent_metric import LatentMetric


class EmbeddingMetric(LatentMetric):
    """D(x, g) = scale * ||phi(x) - phi(g)||, or another head of the latents.

    Latents that were not learned from distances have a unit of their own. The scale leaves every argmin as it is, and
    gives forward model and memory the same unit to work in as those of any other agent.
    """

    def __init__(self, network: Trunk, device: torch.device, head: MetricHead | None = None) -> None:
        """An untrained metric; ``head`` is L2 by default."""
        self.device = device
        self.head = head or get_head("l2")
        self.network: Trunk = network.to(device)
        self.scale = 1.0

    def calibrate(self, dataset: Dataset) -> None:
        """Set the scale so that recorded moves are one step long on average, by L2."""
        self.scale = 1.0
        pairs, latents = moving_transitions(dataset), self.embed(dataset.observations)
        length = float(lengths_of(latents, pairs).mean())
        self.scale = 1 / length if length > 0 else 1.0

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Scaled latents of (B, ...) observations, (B, D) float32."""
        return embed_in_chunks(self.network, observations, self.device) * np.float32(self.scale)

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        return {**network_arrays(self.network), "scale": np.array([self.scale])}

    def filled(self, arrays: Arrays) -> Self:
        """This metric with what was saved.

        Raises:
            CheckpointError: if names or shapes differ.
        """
        self.scale = float(arrays["scale"][0])
        load_network(self.network, {name: array for name, array in arrays.items() if name != "scale"})
        return self
