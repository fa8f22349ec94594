"""What is done with the negatives of the local metric: the hinge, Eq. 5 as printed, or Eq. 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional as F

from ..errors import ConfigError

FAR = 2.0  # nominal distance of "far apart" (Eq. 5)


class LocalLoss:
    """The loss of a batch of neighbour pairs, all other frames of which are negatives."""

    kind: ClassVar[str]
    fixes_unit: ClassVar[bool] = True
    """Whether d comes out in steps, or has to be converted to them afterwards."""

    def __call__(
        self, near: torch.Tensor, wanted: torch.Tensor, every: torch.Tensor, other: torch.Tensor
    ) -> torch.Tensor:
        """The scalar loss.

        Args:
            near: (count,) distances of neighbour pairs.
            wanted: (count,) what they should be.
            every: (2 * count, 2 * count) distances of all frames of the batch, first all left and then all right ends
                of those pairs.
            other: (2 * count, 2 * count) float, 1 for two frames of different trajectories, else 0.
        """
        return F.smooth_l1_loss(near, wanted) + (self.off(every) * other).sum() / other.sum().clamp(min=1)

    def off(self, every: torch.Tensor) -> torch.Tensor:
        """The loss of distances (...) between frames of different trajectories, each for itself: (...)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Hinge(LocalLoss):
    """Eq. 5 with a hinge (App. B.1): neighbours at 1 at most, every frame of another trajectory at 2 or more.

    Some of those are near by chance (3.5 % in the rooms); the hinge and their rarity keep them from hurting.
    """

    kind: ClassVar[str] = "hinge"

    def off(self, every: torch.Tensor) -> torch.Tensor:
        """Of what lies nearer than 2."""
        return F.smooth_l1_loss(F.relu(FAR - every), torch.zeros_like(every), reduction="none")


@dataclass(frozen=True)
class SmoothL1(LocalLoss):
    """Eq. 5 as printed, smoothed: neighbours at 1, every frame of another trajectory at 2, however far it is.

    The first term, identical frames at 0, is zero by construction of a Siamese network.
    """

    kind: ClassVar[str] = "smooth_l1"

    def off(self, every: torch.Tensor) -> torch.Tensor:
        """Of what lies anywhere but at 2."""
        return F.smooth_l1_loss(every, torch.full_like(every, FAR), reduction="none")


@dataclass(frozen=True)
class NCE(LocalLoss):
    """Eq. 4 with S = -d / temperature: each end of a pair tells the other end from frames of other trajectories.

    It fixes ratios and no unit, and takes no notice of what is wanted: d has to be converted to steps afterwards.
    """

    kind: ClassVar[str] = "nce"
    fixes_unit: ClassVar[bool] = False
    temperature: float = 1.0
    """of the similarity S = -d / temperature"""

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"temperature is {self.temperature}; S = -d / temperature needs one above 0")

    def __call__(
        self, near: torch.Tensor, wanted: torch.Tensor, every: torch.Tensor, other: torch.Tensor
    ) -> torch.Tensor:
        """The scalar loss."""
        similar = -torch.cat([near, near]) / self.temperature
        unlike = (-every / self.temperature).masked_fill(other == 0, -torch.inf)
        return (torch.logsumexp(torch.cat([similar[:, None], unlike], 1), 1) - similar).mean()
