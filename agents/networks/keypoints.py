"""A trunk that looks for things and says where they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .coord_cnn import Patches
from .trunk import Trunk, mlp, register_trunk


@register_trunk("keypoints")
class Keypoints(Trunk):
    """Where in the image each of a few learned patterns is, on average (spatial softmax, Levine et al. 2016); an MLP.

    Channels are looked at one by one with the same patterns. A network that must first learn that a bright spot has a
    place learns a policy far more slowly: from few and noisy samples, such as those of a policy gradient, this is what
    decides.
    """

    grid: torch.Tensor
    _PATTERNS = 16
    _SHARPNESS = 3.0  # of the softmax at the start

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 128) -> None:
        super().__init__(observation_shape)
        channels = observation_shape[0]
        self.patches = Patches(observation_shape)
        rows, columns = self.patches.grid
        places = torch.meshgrid(torch.linspace(-2, 2, rows), torch.linspace(-2, 2, columns), indexing="ij")
        self.register_buffer("grid", torch.stack(places, -1).flatten(0, 1), persistent=False)
        self.what = nn.Linear(Patches.SIDE**2, self._PATTERNS)
        self.sharpness = nn.Parameter(torch.full((self._PATTERNS,), self._SHARPNESS).log())
        self.net = mlp([2 * channels * self._PATTERNS, hidden, latent_dim])

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, rows, columns, C * 16) patches, dtype unchanged: bytes stay bytes."""
        return self.patches(x)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, rows, columns, C * 16) -> (B, D)."""
        x = x.unflatten(-1, (-1, Patches.SIDE**2)).flatten(1, 2).transpose(1, 2)  # (B, C, cells, 16)
        seen = self.what(self.standardise(x)) * self.sharpness.exp()
        return self.net((seen.softmax(2).transpose(2, 3) @ self.grid).flatten(1))
