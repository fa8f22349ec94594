"""Trunks that turn observations into latents, and the one place where observations become floats."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_collection.errors import check_name


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
        axes = (0, 2, 3) if observations.ndim == 4 else (0,)
        # A few thousand frames fix two numbers; all of them would only cost time.
        sample = observations[:: max(1, len(observations) // 4000)].astype(np.float64)
        mean, std = sample.mean(axes), sample.std(axes)
        std = np.where(std > 1e-6, std, 1.0)
        self.mean.copy_(torch.as_tensor(mean.reshape(self.mean.shape), dtype=torch.float32))
        self.std.copy_(torch.as_tensor(std.reshape(self.std.shape), dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised float32 copy of ``x``, same shape."""
        return (x.float() - self.mean) / self.std


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

    def __init__(self, observation_shape: Sequence[int]) -> None:
        super().__init__()
        self.standardise = Standardiser(observation_shape)

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) observations -> (B, ...) input of ``encode``."""
        raise NotImplementedError

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) prepared input -> (B, D) latents."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) observations -> (B, D) latents."""
        return self.encode(self.prepare(x))


class PooledMLP(Trunk):
    """Average-pool an image to 16x16 (or take a vector as it is), then an MLP: the quick trunk of the local metric."""

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

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs) -> (B, D)."""
        return self.net(x)


class CoordCNN(Trunk):
    """Three strided convolutions that know where they look (CoordConv), then two linear layers.

    The first layer is a 4x4 convolution of stride 4 over the image and its two coordinates. Since its windows do not
    overlap, it is a linear map of each patch plus a linear map of the patch's place, which trains 1.6 times faster.
    Without the coordinates, few-dimensional latents fail.
    """

    places: torch.Tensor
    _PATCH = 4

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 128) -> None:
        super().__init__(observation_shape)
        channels, height, width = observation_shape
        self.grid = -(-height // self._PATCH), -(-width // self._PATCH)
        self.padding = self.grid[1] * self._PATCH - width, self.grid[0] * self._PATCH - height
        rows, columns = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in self.grid), indexing="ij")
        self.register_buffer("places", torch.stack([rows, columns], -1), persistent=False)
        self.what = nn.Linear(channels * self._PATCH**2, 16)
        self.where = nn.Linear(2, 16, bias=False)
        self.conv = nn.Sequential(
            nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2, padding=1),
            nn.ReLU(), nn.Flatten(),
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # fmt: skip
        with torch.no_grad():
            features = self.conv(torch.zeros(1, 16, *self.grid)).shape[1]
        self.fully = mlp([features, hidden, latent_dim])

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, rows, columns, C * 16) patches, dtype unchanged: bytes stay bytes."""
        x = F.pad(x, (0, self.padding[0], 0, self.padding[1]))
        rows, columns = self.grid
        x = x.view(len(x), -1, rows, self._PATCH, columns, self._PATCH)
        return x.permute(0, 2, 4, 1, 3, 5).reshape(len(x), rows, columns, -1)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, rows, columns, C * 16) -> (B, D)."""
        x = self.standardise(x.unflatten(-1, (-1, self._PATCH**2, 1))).flatten(-3)
        features = self.what(x) + self.where(self.places)
        return self.fully(self.conv(features.permute(0, 3, 1, 2)))


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


TRUNKS = {"pooled_mlp": PooledMLP, "coord_cnn": CoordCNN}


def build_trunk(name: str, observation_shape: Sequence[int], latent_dim: int, hidden: int) -> Trunk:
    """A trunk by name; vectors always get the MLP, whatever the name, since they have no rows and columns.

    Raises:
        UnknownNameError: with the closest known name.
    """
    check_name("trunk", name, TRUNKS)
    trunk = TRUNKS[name] if len(observation_shape) == 3 else PooledMLP
    return trunk(observation_shape, latent_dim, hidden)


def embed_in_chunks(network: Trunk, observations: np.ndarray, device: torch.device) -> np.ndarray:
    """Latents of (B, ...) observations as (B, D) float32.

    On a CPU small chunks stay in the cache: 64 images embed several times faster an image than 512.
    """
    chunk = 64 if device.type == "cpu" else 2048
    with torch.inference_mode():
        parts = [network(_tensor(observations[i : i + chunk], device)) for i in range(0, len(observations), chunk)]
        return torch.cat(parts).cpu().numpy()


def prepare_in_chunks(network: Trunk, observations: np.ndarray, device: torch.device) -> torch.Tensor:
    """The weightless half of a trunk for all of (N, ...) observations, on the device."""
    chunk = 1024
    with torch.no_grad():
        parts = [
            network.prepare(_tensor(observations[i : i + chunk], device)) for i in range(0, len(observations), chunk)
        ]
    return torch.cat(parts)


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    # Frames of a dataset are read-only, which torch cannot express; nothing here writes to them, but it would warn.
    return torch.as_tensor(array if array.flags.writeable else array.copy(), device=device)
