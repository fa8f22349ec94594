"""A convolutional trunk that normalises everything image by image: what it sees does not depend on a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .trunk import Trunk, register_trunk


@register_trunk("normed_cnn")
class NormedCNN(Trunk):
    """Each image to mean 0 and deviation 1, so that exposure does not count; three convolutions with GroupNorm; an MLP.

    Wider than ``cnn`` and a third as fast.
    """

    _WIDTH = 32

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 256) -> None:
        super().__init__(observation_shape)
        channels, width = observation_shape[0], self._WIDTH
        self.conv = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=4), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GroupNorm(8, 2 * width), nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1), nn.GroupNorm(8, 2 * width), nn.ReLU(),
            nn.Flatten(),
        )  # fmt: skip
        with torch.no_grad():
            features = self.conv(torch.zeros(1, *observation_shape)).shape[1]
        self.fully = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, latent_dim))

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """The (B, C, H, W) observations as they are: bytes stay bytes."""
        return x

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, D)."""
        return self.fully(self.conv(F.layer_norm(x.float(), x.shape[1:], eps=1e-3)))
