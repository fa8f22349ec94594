"""The paper's network for the global metric in the rooms (App. G, GlobalMetricConvL2), layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..errors import ObservationError
from .trunk import Trunk, register_trunk


@register_trunk("paper_conv")
class PaperConv(Trunk):
    """Six convolutions without padding, 7x7 but for the last; 64x64 images only. Billions of products an image.

    The layers bear the numbers of the paper's listing: ``embed[18]`` is the linear one.
    """

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 256) -> None:
        """``hidden`` is not used: the widths are the paper's.

        Raises:
            ObservationError: if the images are not 64x64.
        """
        super().__init__(observation_shape)
        if tuple(observation_shape[1:]) != (64, 64):
            raise ObservationError(
                f"trunk paper_conv was asked to embed observations of shape {tuple(observation_shape)}; its "
                "convolutions bring (C, 64, 64) down to one pixel and nothing else. Choose another trunk, "
                "such as resnet18"
            )
        layers: list[nn.Module] = []
        inputs = observation_shape[0]
        for outputs, stride in ((128, 1), (256, 1), (256, 2), (256, 2), (256, 2)):
            layers += [nn.Conv2d(inputs, outputs, 7, stride=stride), nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs = outputs
        layers += [nn.Conv2d(256, 256, 2), nn.ReLU(), nn.Flatten(), nn.Linear(256, latent_dim)]
        self.embed = nn.Sequential(*layers)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, 64, 64) -> (B, D)."""
        return self.embed(self.standardise(x))
