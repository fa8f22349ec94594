"""What every way of distilling works on, and how far a distance is off its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ...graphs.graph import Graph
from ...networks import Trunk, embed_in_chunks
from ..heads import MetricHead

_SMOOTH = 0.5  # where smooth L1 turns from square to linear, in relative error


def relative(distance: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Smooth L1 of (D - target) / (target + 1): near the goal a fraction of a step decides, far away it does not."""
    error = (distance - target) / (target + 1)
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=_SMOOTH)


def absolute(distance: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """|D - target| in steps, as printed in Algorithms 1 and 2."""
    return (distance - target).abs().mean()


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {"relative": relative, "absolute": absolute}


@dataclass(frozen=True, eq=False)
class DistillationProblem:
    """A graph, the pictures at its vertices, and the metric to be trained.

    Attributes:
        graph: V vertices.
        frames: (V, ...) observation of each vertex.
        learn: (L,) vertices that may be trained on.
        network: phi.
        head: the distance of two latents, ...
        target_scale: ... times which it is D.
        loss: distances and targets (...) in steps to a scalar.
        device: where the network lives.
    """

    graph: Graph
    frames: np.ndarray
    learn: np.ndarray
    network: Trunk
    head: MetricHead
    target_scale: float
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    device: torch.device

    def encode(self, prepared: torch.Tensor) -> torch.Tensor:
        """Latents (B, D) of prepared frames (B, ...), with gradient."""
        # Distances are differences of large numbers: they are taken in float32 whatever the network computes in.
        return self.network.encode(prepared).float()

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """D between matching latents, (..., D) and (..., D) -> (...), in steps."""
        return self.head.distance(z, g) * self.target_scale

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """D between all pairs of latents, (n, D) and (m, D) -> (n, m), in steps."""
        return self.head.pairwise(z, g) * self.target_scale

    def embed_vertices(self) -> torch.Tensor:
        """Latents (V, D) of all vertices, without gradient."""
        return torch.as_tensor(embed_in_chunks(self.network, self.frames, self.device), device=self.device)
