"""Made-up nuisance for images: what a second visit might have changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...errors import ConfigError
from ...training.loop import Batch, Tensors


@dataclass(frozen=True)
class AugmentationConfig:
    """How much an image is disturbed; 0 turns a kind off."""

    turn: int = 2
    """columns by which an image is rolled at most: a panorama, turned"""
    gain: float = 0.15
    """standard deviation of the factor on all grey levels"""
    bias: float = 12.0
    """standard deviation of what is added to all grey levels"""
    noise: float = 4.0
    """standard deviation of what is added to each pixel"""
    patch: int = 16
    """sides at most of the rectangle that is hidden under the image's mean"""

    def __post_init__(self) -> None:
        for name in ("turn", "gain", "bias", "noise", "patch"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} of the disturbance is {getattr(self, name)}; need at least 0, which is off")

    def sample(self, rng: np.random.Generator, count: int) -> Batch:
        """What happens to ``count`` images, as arrays."""
        return {
            "turn": rng.integers(-self.turn, self.turn + 1, count),
            "gain": (1 + self.gain * rng.standard_normal(count)).astype(np.float32),
            "bias": (self.bias * rng.standard_normal(count)).astype(np.float32),
            "corner": rng.random((2, count)),
            "side": rng.integers(self.patch + 1, size=(2, count)),
            "noise": np.array([rng.integers(2**31)]),
        }

    def apply(self, images: torch.Tensor, what: Batch | Tensors) -> torch.Tensor:
        """(B, C, H, W) images of grey levels 0 to 255 -> disturbed ones, float32."""
        _, channels, height, width = images.shape
        device = images.device

        def tensor(name: str) -> torch.Tensor:
            return torch.as_tensor(what[name], device=device)

        columns = (torch.arange(width, device=device) - tensor("turn")[:, None]) % width
        x = images.gather(3, columns[:, None, None].expand(-1, channels, height, -1)).float()
        inside = []
        for axis, length in enumerate((height, width)):
            side = tensor("side")[axis].clamp(max=length)
            first = (tensor("corner")[axis] * (length - side + 1)).floor()[:, None]
            at = torch.arange(length, device=device)
            inside.append((at >= first) & (at < first + side[:, None]))
        hidden = (inside[0][:, :, None] & inside[1][:, None])[:, None]
        x = torch.where(hidden, x.mean((1, 2, 3), keepdim=True), x)
        x = x * tensor("gain").view(-1, 1, 1, 1) + tensor("bias").view(-1, 1, 1, 1)
        if self.noise:
            generator = torch.Generator().manual_seed(int(what["noise"][0]))
            x = x + self.noise * torch.randn(x.shape, generator=generator).to(device)
        return x.clamp(0, 255)
