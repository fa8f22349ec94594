"""The head of any ell^p norm: the paper's on streets (Table 4: p = 1.2, 1.5, 2; App. G, ``norm(a - b, p)``)."""

from __future__ import annotations

import math

import torch

from ...errors import ConfigError
from . import register_head

_LEAST = 1e-30  # below any difference of float32 latents; keeps 0 / 0 out of the norm of a zero vector


@register_head("lp")
class LpHead:
    """D(z, g) = ||z - g||_p for p from 1 to infinity, a metric."""

    is_symmetric = True
    has_triangle_inequality = True
    degree = 1

    def __init__(self, p: float = 2.0) -> None:
        """P from 1 to ``math.inf``.

        Raises:
            ConfigError: for p below 1, where the triangle inequality fails.
        """
        if not p >= 1:
            raise ConfigError(
                f"p is {p}; an ell^p norm needs 1 <= p <= inf, for below 1 the triangle inequality fails. "
                "Take p=1 for the largest differences between diagonal and straight"
            )
        self.p = float(p)

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""
        gap = (z - g).abs()
        if math.isinf(self.p):
            return gap.amax(-1)
        # Over the largest entry every power is at most 1, so that no p overflows, and their sum is at least 1, where
        # the root has a finite slope. The norm does not depend on the scale; so neither does its gradient.
        scale = gap.detach().amax(-1, keepdim=True).clamp(min=_LEAST)
        powers = (gap / scale).pow(self.p).sum(-1)
        return scale.squeeze(-1) * powers.clamp(min=0.5).pow(1 / self.p)

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between all pairs, (n, D) and (m, D) -> (n, m)."""
        return self.distance(z[:, None], g[None])
