"""The quick trunk of the local metric; also the trunk of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from .trunk import Trunk, mlp, register_trunk


@register_trunk("pooled_mlp")
class PooledMLP(Trunk):
    """Average-pool an image to 16x16 (or take a vector as it is), then an MLP: the quick trunk of the local metric."""

    takes_vectors = True

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 256, side: int = 16) -> None:
        super().__init__(observation_shape)
        self.side = side
        self.is_image = len(observation_shape) == 3
        inputs = observation_shape[0] * side * side if self.is_image else int(np.prod(observation_shape))
        self.net = mlp([inputs, hidden, hidden, latent_dim])

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C * 256), or (B, D) -> (B, D)."""
        x = self.standardise(x)
        if self.is_image:
            x = F.adaptive_avg_pool2d(x, self.side)
        return x.flatten(1)

    @classmethod
    def prepared_bytes(cls, observation_shape: Sequence[int]) -> int:
        """Bytes of one prepared observation."""
        is_image = len(observation_shape) == 3
        return 4 * (observation_shape[0] * 256 if is_image else int(np.prod(observation_shape)))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs) -> (B, D)."""
        return self.net(x)
