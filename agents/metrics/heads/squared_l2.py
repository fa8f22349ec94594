"""The squared Euclidean head: embeds any graph exactly in enough dimensions, at the price of Eq. 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from . import MetricHead, register_head


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
