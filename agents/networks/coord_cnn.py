"""The trunk of the global metric: a small convolutional network with CoordConv, and the same without."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .trunk import Trunk, mlp, register_trunk


class Patches:
    """Cuts images into squares that do not overlap; the last row and column are padded with 0."""

    SIDE = 4

    def __init__(self, observation_shape: Sequence[int]) -> None:
        _, height, width = observation_shape
        self.grid = -(-height // self.SIDE), -(-width // self.SIDE)
        self.padding = self.grid[1] * self.SIDE - width, self.grid[0] * self.SIDE - height

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, rows, columns, C * 16), dtype unchanged: bytes stay bytes."""
        if any(self.padding):
            x = F.pad(x, (0, self.padding[0], 0, self.padding[1]))
        rows, columns = self.grid
        if x.dtype == torch.uint8:  # four neighbours in a row stay neighbours: as one word they move four times as fast
            words = x.contiguous().view(torch.int32).view(len(x), -1, rows, self.SIDE, columns)
            return words.permute(0, 2, 4, 1, 3).contiguous().view(torch.uint8).view(len(x), rows, columns, -1)
        x = x.view(len(x), -1, rows, self.SIDE, columns, self.SIDE)
        return x.permute(0, 2, 4, 1, 3, 5).reshape(len(x), rows, columns, -1)


@register_trunk("coord_cnn")
class CoordCNN(Trunk):
    """Three strided convolutions that know where they look (CoordConv), then two linear layers.

    The first layer is a 4x4 convolution of stride 4 over the image and its two coordinates. Since its windows do not
    overlap, it is a linear map of each patch plus a linear map of the patch's place, which trains 1.6 times faster.
    """

    places: torch.Tensor
    sees_places = True

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 128) -> None:
        super().__init__(observation_shape)
        self.patches = Patches(observation_shape)
        rows, columns = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in self.patches.grid), indexing="ij")
        self.register_buffer("places", torch.stack([rows, columns], -1), persistent=False)
        self.what = nn.Linear(observation_shape[0] * Patches.SIDE**2, 16)
        self.where = nn.Linear(2, 16, bias=False) if self.sees_places else None
        self.conv = nn.Sequential(
            nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(inplace=True), nn.Conv2d(32, 32, 3, stride=2, padding=1),
            nn.ReLU(inplace=True), nn.Flatten(),
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # fmt: skip
        with torch.no_grad():
            features = self.conv(torch.zeros(1, 16, *self.patches.grid)).shape[1]
        self.fully = mlp([features, hidden, latent_dim])
        self._fold: tuple[list[torch.Tensor], torch.Tensor, torch.Tensor] | None = None

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, rows, columns, C * 16) patches, dtype unchanged: bytes stay bytes."""
        return self.patches(x)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, rows, columns, C * 16) -> (B, D)."""
        # Raw bytes times weights and what that has too much cancel; bfloat16 would leave little of the difference.
        with torch.autocast(x.device.type, enabled=False):
            weight, bias = self._first_layer()
            features = F.linear(x.float(), weight).add_(bias).relu_()  # not of the permuted view: that costs a copy
        return self.fully(self.conv[1:](features.permute(0, 3, 1, 2)))

    def infer(self, x: torch.Tensor) -> torch.Tensor:
        """``forward`` in two thirds of its time: the first layer is made once, ReLUs work in place."""
        weight, bias = self._folded()
        patches = self.prepare(x)
        features = patches.view(-1, patches.shape[-1]).float().mm(weight).view(*patches.shape[:3], -1).add_(bias)
        features = features.permute(0, 3, 1, 2)
        for layer in (*self.conv, *self.fully):
            features = features.relu_() if isinstance(layer, nn.ReLU) else layer.forward(features)
        return features

    def _first_layer(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The first layer for raw bytes, of which statistics and places are a part: two passes over the images less.

        Returns:
            (16, C * 16) weight and (rows, columns, 16) bias, or (16,) without places.
        """
        mean, std = (each.flatten().repeat_interleave(Patches.SIDE**2) for each in self.standardise.buffers())
        weight = self.what.weight / std
        bias = self.what.bias - weight @ mean
        return weight, bias if self.where is None else bias + self.where(self.places)

    @torch.no_grad()
    def _folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The first layer, kept while its weights are the same; the weight transposed."""
        used = [*self.what.parameters(), *self.standardise.buffers(), *(self.where.parameters() if self.where else ())]
        # By value: fused optimisers change weights without a trace in their version.
        if self._fold is None or not all(torch.equal(a, b) for a, b in zip(used, self._fold[0], strict=True)):
            weight, bias = self._first_layer()
            self._fold = [each.clone() for each in used], weight.T.contiguous(), bias
        return self._fold[1:]


@register_trunk("cnn")
class PlainCNN(CoordCNN):
    """The same network without the coordinates: what CoordConv is worth."""

    sees_places = False
