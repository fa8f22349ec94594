"""Interval quasimetric embeddings (Wang & Isola 2022, "Improved representation of asymmetrical distances")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from data_collection.errors import check_name

from ...errors import ConfigError
from . import MetricHead, register_head

_REDUCTIONS = ("maxmean", "sum")


@register_head
@dataclass(frozen=True)
class IQEHead(MetricHead):
    """D(z, g): how much of the line is covered by the intervals [z_j, max(z_j, g_j)], component by component.

    The D dimensions are cut into components of ``size`` neighbouring ones. A component measures the union of its
    intervals, which costs upward moves and gives downward ones for nothing: a quasimetric, for one-way worlds. Sums,
    maxima and means of quasimetrics are quasimetrics. The paper learns ``weight``, starting from 1/2.
    """

    kind: ClassVar[str] = "iqe"
    is_symmetric: ClassVar[bool] = False
    has_triangle_inequality: ClassVar[bool] = True
    degree: ClassVar[int] = 1
    size: int = 4
    """intervals per component; it divides latent_dim"""
    reduction: Literal["maxmean", "sum"] = "maxmean"
    """of the components: weight * maximum + (1 - weight) * mean, or their sum"""
    weight: float = 0.5
    """of the maximum in "maxmean", from 0 to 1"""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"IQE size is {self.size}; a component has at least 1 interval")
        if not 0 <= self.weight <= 1:
            raise ConfigError(f"IQE weight is {self.weight}; the maximum weighs from 0 to 1, the mean the rest")
        check_name("IQE reduction", self.reduction, _REDUCTIONS)

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """From z to g for matching latents, (..., D) and (..., D) -> (...).

        Raises:
            ConfigError: if D is no multiple of ``size``.
        """
        if z.shape[-1] % self.size:
            raise ConfigError(
                f"latents of {z.shape[-1]} dimensions cannot be cut into components of {self.size} intervals; "
                "choose a latent_dim that is a multiple of the IQE size"
            )
        z, g = (x.unflatten(-1, (-1, self.size)) for x in torch.broadcast_tensors(z, g))
        left, order = z.sort(-1)
        right = torch.maximum(left, g.gather(-1, order))
        # From left to right: an interval adds what lies beyond everything that began before it.
        covered = torch.cat([left[..., :1], right.cummax(-1).values[..., :-1]], -1)
        components = (right - torch.maximum(left, covered)).clamp(min=0).sum(-1)
        if self.reduction == "sum":
            return components.sum(-1)
        return self.weight * components.amax(-1) + (1 - self.weight) * components.mean(-1)
