"""The paper's "random": distances in the latent space of a network that was initialised and never trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data_collection import Dataset

from ..base.distance_agent import DistanceConfig, EmbeddingAgent
from ..base.registry import register_agent
from ..metrics.latent_metric import EmbeddingMetric
from ..training.loop import Training


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

    def _train(
        self, metric: EmbeddingMetric, learn: Dataset, held_out: Dataset, training: Training
    ) -> dict[str, float]:
        """Initialise; only the statistics of the observations and the unit of a step come from the data."""
        metric.network.eval()
        metric.calibrate(learn)
        return {"scale": metric.scale}
