"""A trunk that asks of each grey level where in the image it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from ..errors import ObservationError
from .trunk import Trunk, mlp, register_trunk


@register_trunk("grey_levels")
class GreyLevels(Trunk):
    """The middle of the pixels of each grey level, and an MLP; for things whose shade says which part they are.

    Only ridges count, pixels about as bright as the brightest next to them: the soft edge of a bright line has all the
    shades of darker ones. Levels overlap, so that the middles move smoothly with the picture. They are found from the
    counts of the 256 grey values, at the cost of reading the image a few times, and cached with the dataset.
    """

    kernel: torch.Tensor
    columns: torch.Tensor
    rows: torch.Tensor
    _LEVELS = 32
    _RIDGE = 6  # grey values below the brightest neighbour that a ridge may be

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 256) -> None:
        super().__init__(observation_shape)
        channels, height, width = observation_shape
        spacing = 255 / (self._LEVELS - 1)
        values, levels = torch.arange(256.0), torch.linspace(0, 255, self._LEVELS)
        kernel = torch.exp(-((values[:, None] - levels) / (spacing / 2)).square() / 2)
        self.register_buffer("kernel", kernel, persistent=False)  # (256, levels)
        rows, columns = torch.meshgrid(torch.linspace(-2, 2, height), torch.linspace(-2, 2, width), indexing="ij")
        self.register_buffer("rows", rows.flatten(), persistent=False)
        self.register_buffer("columns", columns.flatten(), persistent=False)
        self.net = mlp([2 * channels * self._LEVELS, hidden, hidden, latent_dim])

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) bytes -> (B, C * 64) middles of the levels, 0 and 0 for one that is not there.

        Raises:
            ObservationError: for images that are not bytes.
        """
        if x.dtype != torch.uint8:
            raise ObservationError(f"trunk 'grey_levels' counts grey values of uint8 images, and these are {x.dtype}")
        batch, channels = x.shape[:2]
        images = x.flatten(0, 1).float()
        ridge = images >= F.max_pool2d(images[:, None], 3, 1, 1)[:, 0] - self._RIDGE
        flat, weight = x.flatten(0, 1).flatten(1).long(), ridge.flatten(1).float()
        counts = [
            torch.zeros(len(flat), 256, device=x.device).scatter_add_(1, flat, weight * each) @ self.kernel
            for each in (torch.ones_like(self.rows), self.columns, self.rows)
        ]
        middles = torch.stack(counts[1:], -1) / counts[0].clamp(min=1e-3)[..., None]
        return middles.reshape(batch, channels * 2 * self._LEVELS)

    @classmethod
    def prepared_bytes(cls, observation_shape: Sequence[int]) -> int:
        """Bytes of one prepared image."""
        return 4 * observation_shape[0] * 2 * cls._LEVELS

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C * 64) -> (B, D)."""
        return self.net(x)
