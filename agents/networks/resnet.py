"""ResNet18 (He et al. 2016), the paper's trunk on streets and of the rope (App. G), and the same with coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .trunk import Trunk, register_trunk


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, added to their input."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


@register_trunk("resnet18")
class ResNet18(Trunk):
    """Stem of stride 4, four stages of two blocks, average over the image, one linear layer."""

    places: torch.Tensor
    sees_places = False

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 512) -> None:
        """``hidden`` is not used: the widths are those of ResNet18."""
        super().__init__(observation_shape)
        channels, height, width = observation_shape
        rows, columns = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        self.register_buffer("places", torch.stack([rows, columns]), persistent=False)
        self.conv1 = nn.Conv2d(channels + 2 * self.sees_places, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        blocks, inputs = [], 64
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)]
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(512, latent_dim)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, D)."""
        x = self.standardise(x)
        if self.sees_places:
            x = torch.cat([x, self.places.expand(len(x), -1, -1, -1)], 1)
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        return self.fc(self.blocks(x).mean((2, 3)))


@register_trunk("resnet18_coord")
class CoordResNet18(ResNet18):
    """With two more input channels, row and column from -1 to 1: averaging over the image loses where a thing was."""

    sees_places = True
