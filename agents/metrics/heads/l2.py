"""The Euclidean head, the paper's choice in the rooms (Table 1, "plan2vec (L2)"); and the squared one.

That embeds any graph exactly in enough dimensions, at the price of Eq. 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from . import MetricHead, register_head

# Keeps the gradient of the square root finite where two latents coincide; 1e-6 of a step.
_EPSILON = 1e-12


@register_head
@dataclass(frozen=True)
class L2Head(MetricHead):
    """D(z, g) = ||z - g||_2, a metric."""

    kind: ClassVar[str] = "l2"
    is_symmetric: ClassVar[bool] = True
    has_triangle_inequality: ClassVar[bool] = True
    degree: ClassVar[int] = 1

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""
        return ((z - g).square().sum(-1) + _EPSILON).sqrt()

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between all pairs, (n, D) and (m, D) -> (n, m)."""
        # Not by z.z - 2 z.g + g.g: in float32 that cancels for near neighbours, which decide actions.
        return torch.cdist(z, g, compute_mode="donot_use_mm_for_euclid_dist")


@register_head
@dataclass(frozen=True)
class SquaredL2Head(MetricHead):
    """D(z, g) = ||z - g||_2^2: no metric, since two short ways may sum to less than the long one they make up.

    Good for tables of distances, poor with networks; the latents are in units of the square root of a step.
    """

    kind: ClassVar[str] = "squared-l2"
    is_symmetric: ClassVar[bool] = True
    has_triangle_inequality: ClassVar[bool] = False
    degree: ClassVar[int] = 2

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""
        return (z - g).square().sum(-1)
