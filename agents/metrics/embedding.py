"""A metric out of any embedding: the L2 distance of its latents, in the unit of one recorded step."""

from __future__ import annotations

import torch

from data_collection import Dataset

from ..graphs.lengths import lengths_of
from ..graphs.transitions import moving_transitions
from ..networks import Trunk
from .heads import MetricHead, get_head
from .saved_network import NetworkMetric


class EmbeddingMetric(NetworkMetric):
    """D(x, g) = scale * ||phi(x) - phi(g)||, or another head of the latents.

    Latents that were not learned from distances have a unit of their own. The scale leaves every argmin as it is, and
    gives forward model and memory the same unit to work in as those of any other agent.
    """

    numbers = ("scale",)

    def __init__(self, network: Trunk, device: torch.device, head: MetricHead | None = None) -> None:
        """An untrained metric; ``head`` is L2 by default."""
        self.device = device
        self.head = head or get_head("l2")
        self.network = network.to(device)

    def calibrate(self, dataset: Dataset) -> None:
        """Set the scale so that recorded moves are one step long on average, by L2."""
        self.scale = 1.0
        pairs, latents = moving_transitions(dataset), self.embed(dataset.observations)
        length = float(lengths_of(latents, pairs).mean())
        self.scale = 1 / length if length > 0 else 1.0
