"""What is done with the negatives of the local metric: the hinge, Eq. 5 as printed, or Eq. 4."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

FAR = 2.0  # nominal distance of "far apart" (Eq. 5)

LocalLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(count,) distances of neighbour pairs, (count,) what they should be, (2 * count, 2 * count) distances of all frames
of the batch, first all left and then all right ends of those pairs, and (2 * count, 2 * count) float, 1 for two frames
of different trajectories, else 0. Gives the scalar loss."""


def hinge(near: torch.Tensor, wanted: torch.Tensor, every: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Eq. 5 with a hinge (App. B.1): neighbours at 1 at most, every frame of another trajectory at 2 or more.

    Some of those are near by chance (3.5 % in the rooms); the hinge and their rarity keep them from hurting.
    """
    too_near = F.smooth_l1_loss(F.relu(FAR - every), torch.zeros_like(every), reduction="none")
    far = (too_near * other).sum() / other.sum().clamp(min=1)
    return F.smooth_l1_loss(near, wanted) + far


def smooth_l1(near: torch.Tensor, wanted: torch.Tensor, every: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Eq. 5 as printed, smoothed: neighbours at 1, every frame of another trajectory at 2, however far it is.

    The first term, identical frames at 0, is zero by construction of a Siamese network.
    """
    off = F.smooth_l1_loss(every, torch.full_like(every, FAR), reduction="none")
    return F.smooth_l1_loss(near, wanted) + (off * other).sum() / other.sum().clamp(min=1)


def nce(
    near: torch.Tensor, wanted: torch.Tensor, every: torch.Tensor, other: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """Eq. 4 with S = -d / temperature: each end of a pair tells the other end from frames of other trajectories.

    It fixes ratios and no unit, and takes no notice of what is wanted: d has to be converted to steps afterwards.
    """
    similar = -torch.cat([near, near]) / temperature
    unlike = (-every / temperature).masked_fill(other == 0, -torch.inf)
    return (torch.logsumexp(torch.cat([similar[:, None], unlike], 1), 1) - similar).mean()
