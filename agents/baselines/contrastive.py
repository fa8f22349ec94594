"""Contrastive critic: how much likelier a frame is soon after this one than at any time, as a distance of latents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_collection import Dataset

from ..base.distance_agent import DistanceConfig, EmbeddingAgent
from ..base.registry import register_agent
from ..errors import ConfigError
from ..metrics.heads import MetricHead
from ..metrics.latent_metric import EmbeddingMetric
from ..networks import Trunk
from ..networks.learning_memory import learning_bytes
from ..training.loop import Batch, Tensors, Training, train


@dataclass(frozen=True)
class ContrastiveConfig:
    """The embedding and which pairs it is told to tell from others."""

    trunk: str = "coord_cnn"
    """network that embeds a frame, by default that of plan2vec"""
    latent_dim: int = 8
    """dimensions of the latent"""
    hidden: int = 128
    """width of the hidden layer"""
    discount: float = 0.7
    """a frame k steps later is the positive with odds discount^k; 0 is the next frame always"""
    temperature: float = 1.0
    """of the similarity -L2 / temperature, at the start; it is learned"""
    steps: int = 300
    """gradient steps; with more, the critic learns by heart which frames are of one trajectory (C-Maze, 1000 rollouts:
    success with memory 95.5 % after 300, 77 % after 1000)"""
    batch_size: int = 256
    """pairs a step; each is told from all others"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""

    def __post_init__(self) -> None:
        if not 0 <= self.discount < 1:
            raise ConfigError(f"discount is {self.discount}; offsets are drawn with one from 0 to below 1")
        if not 0 < self.temperature < math.inf:
            raise ConfigError(f"temperature is {self.temperature}; the similarity -L2 / temperature needs one above 0")
        if self.batch_size < 2:
            raise ConfigError(f"batch_size is {self.batch_size}; a pair is told from at least 1 other")

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the observations, and what the network prepares of them."""
        size.latents = self.latent_dim
        learning = learning_bytes(self, size.observation_shape, rows=size.rows, batch=2 * self.batch_size)
        return size.observation_bytes + learning + size.rows * 8 * self.latent_dim


@dataclass(frozen=True)
class ContrastiveAgentConfig(DistanceConfig):
    """The critic beside what every such agent has."""

    contrastive: ContrastiveConfig = field(default_factory=ContrastiveConfig)
    """the critic"""


class Critic(nn.Module):
    """InfoNCE in both directions, with similarity -L2 / temperature and the other pairs of a batch as negatives.

    At its optimum the similarity of s and g is log p(g soon after s) - log p(g) up to a constant.
    """

    def __init__(self, config: ContrastiveConfig, network: Trunk, head: MetricHead) -> None:
        super().__init__()
        self.network, self.head = network, head
        self.log_temperature = nn.Parameter(torch.tensor(math.log(config.temperature)))

    def similarity(self, now: torch.Tensor, later: torch.Tensor) -> torch.Tensor:
        """(B, ...) and (B, ...) prepared frames -> (B, B), first index now."""
        z, g = self.network.encode(torch.cat([now, later])).float().chunk(2)
        return -self.head.pairwise(z, g) / self.log_temperature.exp()

    def forward(self, now: torch.Tensor, later: torch.Tensor) -> torch.Tensor:
        """Mean of -log p(which frame is later | now) and -log p(which was now | later), nats."""
        return symmetric_info_nce(self.similarity(now, later))


def symmetric_info_nce(similarity: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the diagonal of (B, B) similarities, in rows and in columns, on average."""
    own = torch.arange(len(similarity), device=similarity.device)
    return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2


def futures(rows: np.ndarray, last_rows: np.ndarray, discount: float, rng: np.random.Generator) -> np.ndarray:
    """A later row of the same trajectory for each of (B,) rows: k >= 1 steps on, with odds discount^k.

    Args:
        rows: (B,) int64 rows that are not the last of their trajectory.
        last_rows: (B,) int64 last row of the trajectory of each; it bounds k, which is not cut off there but drawn
            from the geometric distribution on what is left: otherwise ends of trajectories would be goals too often.
        discount: from 0 to below 1.
        rng: source of all randomness.
    """
    left = last_rows - rows
    if discount == 0:
        return rows + 1
    # The inverse of 1 - discount^k, the chance of up to k steps, scaled so that 1 belongs to all that is left.
    chance = rng.random(len(rows)) * (1 - discount**left)
    return rows + np.clip(np.ceil(np.log1p(-chance) / np.log(discount)).astype(np.int64), 1, left)


@register_agent
class ContrastiveAgent(EmbeddingAgent):
    """D = L2 of a contrastive critic's latents, in the unit of one recorded step.

    The critic is that of Eysenbach et al. 2022 (contrastive RL, arXiv 2206.07568), with one network for states and
    goals, L2 in place of the inner product and without actions, so that it is a distance; the symmetric loss
    and the learned temperature are those of CLIP (Radford et al. 2021). It knows of no path longer than a trajectory.
    """

    name = "contrastive"
    config: ContrastiveAgentConfig
    config_class = ContrastiveAgentConfig
    option = "contrastive"

    def _train(
        self, metric: EmbeddingMetric, learn: Dataset, held_out: Dataset, training: Training
    ) -> dict[str, float]:
        """Learn the critic, then its unit; validate it on held-out trajectories.

        Returns:
            ``scale``, ``temperature`` in steps, and of a batch of held-out pairs the loss ``info_nce``
            in nats and how often the right later frame is the most similar one, ``accuracy``.
        """
        config = self.config.contrastive
        critic = Critic(config, metric.network, metric.head).to(training.device)

        def loss(batch: Tensors) -> torch.Tensor:
            return critic(*batch["frames"].chunk(2))

        def sample(rng: np.random.Generator) -> Batch:
            return {"pairs": self._draw(learn, rng)}

        frames = training.frames(metric.network, learn.observations)
        train(
            "embedding", critic, sample, loss, config, training,
            frames=frames, rows=lambda batch: batch["pairs"].T.ravel(),
        )  # fmt: skip
        metric.calibrate(learn)
        pairs = self._draw(held_out, training.rng("embedding-validation", 0))
        ends = (torch.tensor(held_out.observations[rows], device=training.device) for rows in pairs.T)
        with torch.inference_mode():
            similarity = critic.similarity(*(metric.network.prepare(each) for each in ends))
        return {
            "scale": metric.scale,
            "temperature": float(critic.log_temperature.detach().exp()) * metric.scale,
            "info_nce": float(symmetric_info_nce(similarity)),
            "accuracy": float((similarity.argmax(1).numpy(force=True) == np.arange(len(pairs))).mean()),
        }

    def _draw(self, dataset: Dataset, rng: np.random.Generator) -> np.ndarray:
        """(batch_size, 2) rows: a frame, and one from later in its trajectory."""
        config = self.config.contrastive
        rows = dataset.transitions[rng.integers(dataset.num_transitions, size=config.batch_size), 0]
        last = (dataset.episode_starts + dataset.episode_lengths)[dataset.episode_ids[rows]]
        return np.stack([rows, futures(rows, last, config.discount, rng)], 1)
