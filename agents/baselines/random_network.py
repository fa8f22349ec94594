"""The paper's "random": distances in the latent space of a network that was initialised and never trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..base.distance_agent import DistanceConfig, EmbeddingAgent
from ..base.registry import register_agent
from ..base.staged import LearningFit
from ..metrics.embedding import EmbeddingMetric
from ..networks import build_trunk


@dataclass(frozen=True)
class RandomNetworkConfig(DistanceConfig):
    """Which network is left untrained."""

    trunk: str = "coord_cnn"
    """network that embeds a frame, by default that of plan2vec"""
    latent_dim: int = 8
    """dimensions of its output"""
    hidden: int = 128
    """width of the hidden layer"""

    def memory_need(self, size: Any) -> int:
        """Bytes that the statistics take."""
        size.latents = self.latent_dim
        return size.observation_bytes + size.rows * 8 * self.latent_dim


@register_agent
class RandomNetworkAgent(EmbeddingAgent):
    """D = L2 of untrained latents; what the architecture, memory and forward model are worth by themselves."""

    name = "random-network"
    config: RandomNetworkConfig
    config_class = RandomNetworkConfig

    @property
    def embedding(self) -> RandomNetworkConfig:
        """The configuration of the embedding."""
        return self.config

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> EmbeddingMetric:
        config = self.config
        return EmbeddingMetric(build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden), device)

    def _fit_embedding(self, run: LearningFit) -> tuple[EmbeddingMetric, dict[str, float]]:
        """Initialise; only the statistics of the observations and the unit of a step come from the data."""
        learn, _ = run.halves()
        with run.training.seeded_torch("embedding"):
            metric = self._new_metric(run.observation_shape, run.device)
        metric.network.standardise.fit(learn.observations)
        metric.network.eval()
        metric.calibrate(learn)
        return metric, {"scale": metric.scale}
