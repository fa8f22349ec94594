"""What a trunk is: it turns observations into latents. Here observations become standardised floats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from data_collection.registry import Registry


class Standardiser(nn.Module):
    """(x - mean) / std with statistics of the training split: per channel for images, per entry for vectors.

    The buffers travel with the weights, so a loaded agent sees exactly what it was trained on.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, observation_shape: Sequence[int]) -> None:
        super().__init__()
        shape = (observation_shape[0], 1, 1) if len(observation_shape) == 3 else tuple(observation_shape)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))

    def fit(self, observations: np.ndarray) -> None:
        """Set mean and std from (N, C, H, W) or (N, D) observations; a constant entry gets std 1."""
        # A few thousand frames fix two numbers; all of them would only cost time.
        sample = observations[:: max(1, len(observations) // 4000)]
        if sample.ndim == 4 and sample.dtype == np.uint8:
            mean, std = _grey_statistics(sample)
        else:
            axes = (0, 2, 3) if sample.ndim == 4 else (0,)
            mean, std = sample.mean(axes, np.float64), sample.std(axes, np.float64)
        std = np.where(std > 1e-6, std, 1.0)
        self.mean.copy_(torch.as_tensor(mean.reshape(self.mean.shape), dtype=torch.float32))
        self.std.copy_(torch.as_tensor(std.reshape(self.std.shape), dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised float32 copy of ``x``, same shape."""
        return (x.float() - self.mean) / self.std


def _grey_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and std of each channel of (N, C, H, W) bytes, from counts: floats would take eight times the memory."""
    counts = np.zeros((images.shape[1], 256))
    for image in images:
        counts += [np.bincount(channel.ravel(), minlength=256) for channel in image]
    weights, greys = counts / counts.sum(1, keepdims=True), np.arange(256)
    mean = weights @ greys
    return mean, np.sqrt((weights * (greys - mean[:, None]) ** 2).sum(1))


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """A fully connected network with ReLU between the layers of the given sizes."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Trunk(nn.Module):
    """Observation -> latent in two halves, so that the half without weights is computed once per dataset.

    ``prepare`` has no weights: its output may be cached for all frames. ``encode`` is what is trained.
    """

    takes_images: ClassVar[bool] = True
    takes_vectors: ClassVar[bool] = False

    def __init__(self, observation_shape: Sequence[int]) -> None:
        super().__init__()
        self.standardise = Standardiser(observation_shape)

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) observations -> (B, ...) input of ``encode``."""
        raise NotImplementedError

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) prepared input -> (B, D) latents."""
        raise NotImplementedError

    @classmethod
    def prepared_bytes(cls, observation_shape: Sequence[int]) -> int:
        """Bytes of one prepared observation: floats, unless images stay bytes."""
        entries = int(np.prod(observation_shape))
        return entries if len(observation_shape) == 3 else 4 * entries

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) observations -> (B, D) latents."""
        return self.encode(self.prepare(x))

    @torch.no_grad()
    def scale_latents(self, factor: float) -> None:
        """Multiply all latents from now on, by the weights of the last layer."""
        last = [module for module in self.modules() if isinstance(module, nn.Linear)][-1]
        last.weight.mul_(factor)
        last.bias.mul_(factor)

    def infer(self, x: torch.Tensor) -> torch.Tensor:
        """``forward`` up to rounding, for use without gradients; a trunk may have a quicker way."""
        return self(x)


TRUNKS = Registry("trunk", "agents.networks")
"""Name -> a class of trunks, made with (observation shape, latent_dim, hidden)"""


def register_trunk(name: str) -> Callable[[type], type]:
    """Class decorator: make a trunk for images known under ``name``."""

    def add(trunk: type) -> type:
        TRUNKS[name] = trunk
        return trunk

    return add
