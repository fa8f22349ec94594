"""Several trunks in place of one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .trunk import Trunk


class Ensemble(Trunk):
    """Trunks side by side; the distance between their joint latents is the root mean square of the members' distances.

    Where the data says nothing, members disagree, and the disagreement counts as distance.
    """

    members: Sequence[Trunk]

    def __init__(self, members: Sequence[Trunk]) -> None:
        nn.Module.__init__(self)
        self.members = nn.ModuleList(members)  # type: ignore[assignment]
        self.standardise = members[0].standardise
        for member in members:
            member.standardise = self.standardise

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """As any member does: (B, ...) -> (B, ...)."""
        return self.members[0].prepare(x)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) -> (B, members * D)."""
        return torch.cat([member.encode(x) for member in self.members], 1) / len(self.members) ** 0.5

    def scale_latents(self, factor: float) -> None:
        """Multiply all latents from now on, by the weights of each member's last layer."""
        for member in self.members:
            member.scale_latents(factor)
