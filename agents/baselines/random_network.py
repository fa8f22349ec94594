"""The paper's "random": distances in the latent space of a network that was initialised and never trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from data_collection import Dataset

from ..base.agent import register_agent
from ..base.distance_agent import DistanceAgent, DistanceConfig
from ..metrics.embedding import EmbeddingMetric
from ..networks import build_trunk
from ..training.loop import Training
from ..training.splits import ValidationSplit


@dataclass(frozen=True)
class RandomNetworkConfig(DistanceConfig):
    """Which network is left untrained."""

    trunk: str = "coord_cnn"
    """network that embeds a frame, by default that of plan2vec"""
    latent_dim: int = 8
    """dimensions of its output"""
    hidden: int = 128
    """width of the hidden layer"""


@register_agent
class RandomNetworkAgent(DistanceAgent):
    """D = L2 of untrained latents; what the architecture, memory and forward model are worth by themselves."""

    name = "random-network"
    config: RandomNetworkConfig
    config_class = RandomNetworkConfig

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> EmbeddingMetric:
        config = self.config
        return EmbeddingMetric(build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden), device)

    def _fit_embedding(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        """Initialise; only the statistics of the observations and the unit of a step come from the data."""
        learn = dataset.take_episodes(folds.learn)
        with training.seeded_torch("embedding"):
            metric = self._new_metric(dataset.observation_shape, training.device)
        metric.network.standardise.fit(learn.observations)
        metric.network.eval()
        metric.calibrate(learn)
        self._parts.metric = metric
        return {"scale": metric.scale}
