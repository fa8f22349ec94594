"""VAE: distances in the latent space of a variational autoencoder, which has never heard of steps (Table 1)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from data_collection import Dataset

from ..base.distance_agent import DistanceConfig, EmbeddingAgent
from ..base.registry import register_agent
from ..metrics.latent_metric import EmbeddingMetric
from ..metrics.vae import VAE, VAEConfig
from ..training.loop import Training


@dataclass(frozen=True)
class VAEAgentConfig(DistanceConfig):
    """The autoencoder beside what every such agent has."""

    vae: VAEConfig = field(default_factory=VAEConfig)
    """the autoencoder"""


@register_agent
class VAEAgent(EmbeddingAgent):
    """D = L2 between the encoder's means, in the unit of one recorded step."""

    name = "vae"
    config: VAEAgentConfig
    config_class = VAEAgentConfig
    option = "vae"

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> EmbeddingMetric:
        return EmbeddingMetric(VAE(self.config.vae, observation_shape), device)

    def _train(
        self, metric: EmbeddingMetric, learn: Dataset, held_out: Dataset, training: Training
    ) -> dict[str, float]:
        network: VAE = metric.network  # type: ignore[assignment]
        network.fit(learn.observations, training)
        metric.calibrate(learn)
        rng = training.rng("embedding-validation", 0)
        return {"scale": metric.scale, **network.validate(held_out.observations, training.device, rng)}

    def reconstruct(self, observations: np.ndarray) -> np.ndarray:
        """What the decoder makes of (B, ...) observations or of a single one: same shape and dtype."""
        network: VAE = self.metric.network  # type: ignore[attr-defined]
        batch, single = self._batch(observations, "observation")
        images = network.reconstruct(batch, self.metric.device)
        return images[0] if single else images

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """What the decoder makes of n draws from the prior: (n, C, H, W) uint8 images, or (n, D) float32 vectors."""
        network: VAE = self.metric.network  # type: ignore[attr-defined]
        return network.sample(n, rng, self.metric.device)
