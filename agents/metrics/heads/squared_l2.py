"""The squared Euclidean head: embeds any graph exactly in enough dimensions, at the price of Eq. 3."""

from __future__ import annotations

import torch

from . import register_head


@register_head("squared-l2")
class SquaredL2Head:
    """D(z, g) = ||z - g||_2^2: no metric, since two short ways may sum to less than the long one they make up.

    Good for tables of distances, poor with networks; the latents are in units of the square root of a step.
    """

    is_symmetric = True
    has_triangle_inequality = False
    degree = 2

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""
        return (z - g).square().sum(-1)

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between all pairs, (n, D) and (m, D) -> (n, m)."""
        return self.distance(z[:, None], g[None])
