"""A metric out of any embedding: the L2 distance of its latents, in the unit of one recorded step."""

from __future__ import annotations

import torch

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
