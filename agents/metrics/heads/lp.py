"""The head of any ell^p norm: the paper's on streets (Table 4: p = 1.2, 1.5, 2; App. G, ``norm(a - b, p)``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ...errors import ConfigError
from . import MetricHead, register_head

_LEAST = 1e-30  # below any difference of float32 latents; keeps 0 / 0 out of the norm of a zero vector


@register_head
@dataclass(frozen=True)
class LpHead(MetricHead):
    """D(z, g) = ||z - g||_p, a metric."""

    kind: ClassVar[str] = "lp"
    is_symmetric: ClassVar[bool] = True
    has_triangle_inequality: ClassVar[bool] = True
    degree: ClassVar[int] = 1
    p: float = 2.0
    """from 1 to inf; below 1 the triangle inequality fails"""

    def __post_init__(self) -> None:
        if not self.p >= 1:
            raise ConfigError(
                f"p is {self.p}; an ell^p norm needs 1 <= p <= inf, for below 1 the triangle inequality fails. "
                "Take p=1 for the largest differences between diagonal and straight"
            )

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
