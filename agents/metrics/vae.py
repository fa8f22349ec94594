"""A variational autoencoder: an encoder that is one of our trunks, one of two convolutional decoders, the ELBO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_collection.errors import check_name

from ..networks import Trunk, build_trunk, in_chunks, mlp
from ..networks.learning_memory import blank, step_bytes
from ..training.loop import Batch, Tensors, Training, train

_LEAST = 1e-3  # grey values of the mean image are kept this far from black and white, where logits are infinite


@dataclass(frozen=True)
class VAEConfig:
    """The autoencoder and how it is trained."""

    trunk: str = "coord_cnn"
    """network that encodes a frame, by default that of plan2vec"""
    decoder: str = "broadcast"
    """network that draws an image: "broadcast" knows where each patch is, "deconvolution" doubles the side three times.
    The latents of the second fold and cross (C-Maze, 2-d: 41.5 % success without memory; the first: 69 %)"""
    latent_dim: int = 2
    """dimensions of the latent; 2 as in the paper"""
    hidden: int = 128
    """width of the hidden layers"""
    beta: float = 1.0
    """weight of the KL term; 1 is the ELBO, more presses the latents towards the prior (beta-VAE). At 4 an 8-d latent
    collapses onto it"""
    steps: int = 1000
    """gradient steps"""
    batch_size: int = 64
    """frames a step"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the observations, and another for the device; a gradient step."""
        size.latents = self.latent_dim
        with torch.random.fork_rng(devices=[]):
            network = VAE(self, size.observation_shape)
        x = blank(size.observation_shape)
        step = step_bytes(network, lambda: network.terms(network.prepare(x), x, torch.zeros(2, self.latent_dim)))
        return 2 * size.observation_bytes + self.batch_size * step


class ImageDecoder(nn.Module):
    """Latent -> logits of an image, added to ``base``, those of the mean image, so that walls need not be learned."""

    base: torch.Tensor

    def __init__(self, observation_shape: Sequence[int]) -> None:
        super().__init__()
        self.channels, self.height, self.width = observation_shape
        self.grid = -(-self.height // 8), -(-self.width // 8)
        self.register_buffer("base", torch.zeros(tuple(observation_shape)))

    def draw(self, z: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, C, 8 * rows, 8 * columns), what differs from the mean image."""
        raise NotImplementedError

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, C, H, W) logits of grey values in [0, 1]."""
        return self.draw(z)[..., : self.height, : self.width] + self.base


class BroadcastDecoder(ImageDecoder):
    """Every patch of 8x8 pixels is drawn by one network from the latent and the place of the patch.

    The spatial broadcast decoder of Watters et al. 2019 (arXiv 1901.07017) on a grid of patches. An object that moves
    is a function of latent minus place, so its position comes out almost linear in the latent.
    """

    places: torch.Tensor
    _PATCH = 8

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int) -> None:
        super().__init__(observation_shape)
        rows, columns = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in self.grid), indexing="ij")
        self.register_buffer("places", torch.stack([rows, columns], -1), persistent=False)
        self.what = nn.Linear(latent_dim, hidden)
        self.where = nn.Linear(2, hidden, bias=False)
        self.patch = nn.Sequential(nn.ReLU(), mlp([hidden, hidden, self.channels * self._PATCH**2]))

    def draw(self, z: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, C, 8 * rows, 8 * columns)."""
        patches = self.patch(self.what(z)[:, None, None] + self.where(self.places))
        patches = patches.unflatten(-1, (self.channels, self._PATCH, self._PATCH))  # (B, rows, columns, C, 8, 8)
        return patches.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


class Deconvolution(ImageDecoder):
    """Two linear layers, then three transposed convolutions that double the side."""

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int) -> None:
        super().__init__(observation_shape)
        self.fully = mlp([latent_dim, hidden, 32 * self.grid[0] * self.grid[1]])
        self.conv = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1),
            nn.ReLU(), nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
            nn.ReLU(), nn.ConvTranspose2d(16, self.channels, 4, stride=2, padding=1),
        )  # fmt: skip

    def draw(self, z: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, C, 8 * rows, 8 * columns)."""
        return self.conv(self.fully(z).unflatten(1, (32, *self.grid)))


DECODERS = {"broadcast": BroadcastDecoder, "deconvolution": Deconvolution}


class VAE(Trunk):
    """q(z | x) a Gaussian with diagonal covariance, p(z) = N(0, 1); as a trunk it embeds a frame as the mean of q.

    Images are Bernoulli in their grey values in [0, 1], vectors Gaussian of unit variance once standardised.
    """

    def __init__(self, config: VAEConfig, observation_shape: Sequence[int]) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.is_image = len(observation_shape) == 3
        self.encoder = build_trunk(config.trunk, observation_shape, 2 * config.latent_dim, config.hidden)
        self.standardise = self.encoder.standardise
        check_name("decoder", config.decoder, DECODERS)
        self.decoder: nn.Module = (
            DECODERS[config.decoder](observation_shape, config.latent_dim, config.hidden)
            if self.is_image
            else mlp([config.latent_dim, config.hidden, config.hidden, observation_shape[0]])
        )

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """As the encoder does: (B, ...) -> (B, ...)."""
        return self.encoder.prepare(x)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) prepared input -> (B, D) means."""
        return self.encoder.encode(x)[:, : self.config.latent_dim]

    def terms(self, prepared: torch.Tensor, x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The two terms of the negative ELBO, each (B,) in nats.

        Args:
            prepared: (B, ...) frames as ``prepare`` gave them.
            x: (B, ...) the same frames as observed.
            noise: (B, D) standard normal draws for the reparameterisation.

        Returns:
            -log p(x | z) (for vectors up to a constant) and KL(q(z | x) || p(z)).
        """
        mean, log_variance = self.encoder.encode(prepared).chunk(2, 1)
        decoded = self.decoder(mean + (log_variance / 2).exp() * noise)
        if self.is_image:
            error = F.binary_cross_entropy_with_logits(decoded, x.float() / 255, reduction="none")
        else:
            error = (decoded - self.standardise(x)).square() / 2
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return error.flatten(1).sum(1), divergence

    def fit(self, observations: np.ndarray, training: Training) -> None:
        """Maximise E log p(x | z) - beta KL over (N, ...) observations, of which ``standardise`` knows already."""
        if isinstance(self.decoder, ImageDecoder):
            grey = torch.as_tensor(observations[:: max(1, len(observations) // 4000)].mean(0) / 255)
            self.decoder.base.copy_(grey.clamp(_LEAST, 1 - _LEAST).logit())
        frames = training.frames(None, observations)
        count = self.config.batch_size

        def sample(rng: np.random.Generator) -> Batch:
            rows = rng.integers(len(frames), size=count)
            return {"rows": rows, "noise": rng.standard_normal((count, self.config.latent_dim), np.float32)}

        def loss(batch: Tensors) -> torch.Tensor:
            x = batch["frames"]
            error, divergence = self.terms(self.prepare(x), x, batch["noise"])
            return (error + self.config.beta * divergence).mean()

        train("embedding", self, sample, loss, self.config, training, frames=frames, rows=lambda batch: batch["rows"])

    def validate(self, observations: np.ndarray, device: torch.device, rng: np.random.Generator) -> dict[str, float]:
        """Mean negative ELBO of (up to 1000 of) some observations and its two terms, in nats; beta plays no part."""
        chosen = observations[:: max(1, len(observations) // 1000)]
        noise = rng.standard_normal((len(chosen), self.config.latent_dim), np.float32)

        def work(rows: np.ndarray) -> torch.Tensor:
            x, drawn = (torch.tensor(each[rows], device=device) for each in (chosen, noise))
            return torch.stack(self.terms(self.prepare(x), x, drawn), 1)

        with torch.inference_mode():  # few at a time: a thousand decoded at once take more memory than a fit
            error, divergence = in_chunks(work, np.arange(len(chosen)), self.config.batch_size).mean(0).tolist()
        return {"negative_elbo": error + divergence, "reconstruction": error, "divergence": divergence}

    def reconstruct(self, observations: np.ndarray, device: torch.device) -> np.ndarray:
        """What is decoded from the mean latents of (B, ...) observations: same shape; uint8 images, float32 vectors."""
        with torch.inference_mode():
            return self._decoded(self(torch.tensor(observations, device=device)))

    def sample(self, n: int, rng: np.random.Generator, device: torch.device) -> np.ndarray:
        """What is decoded from n draws of the prior: (n, C, H, W) uint8 images, or (n, D) float32 vectors."""
        with torch.inference_mode():
            z = rng.standard_normal((n, self.config.latent_dim), np.float32)
            return self._decoded(torch.as_tensor(z, device=device))

    def _decoded(self, z: torch.Tensor) -> np.ndarray:
        decoded = self.decoder(z)
        if self.is_image:
            return (decoded.sigmoid() * 255).round().to(torch.uint8).cpu().numpy()
        return (decoded * self.standardise.std + self.standardise.mean).cpu().numpy()
