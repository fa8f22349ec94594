"""QRL: a quasimetric that keeps recorded moves one step long and pushes everything else apart; no graph."""

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
from ..metrics.heads.iqe import IQEHead
from ..metrics.latent_metric import EmbeddingMetric
from ..metrics.local import moving_transitions
from ..networks import Trunk, build_trunk
from ..networks.learning_memory import learning_bytes
from ..training.loop import Batch, Tensors, Training, train

_DUAL_RATE = 10.0  # learning rate of log lambda, as a multiple of the network's


@dataclass(frozen=True)
class QRLConfig:
    """The embedding, the two sides of the objective, and what holds them in balance."""

    trunk: str = "coord_cnn"
    """network that embeds a frame, by default that of plan2vec"""
    latent_dim: int = 32
    """dimensions of the latent; a multiple of ``iqe.size``"""
    hidden: int = 128
    """width of the hidden layer"""
    iqe: IQEHead = field(default_factory=IQEHead)
    """the quasimetric on latents"""
    offset: float = 40.0
    """steps from which on two random frames are hardly pushed any further; more than the longest way"""
    softness: float = 10.0
    """steps over which the push fades around ``offset``: softness * softplus((offset - D) / softness)"""
    epsilon: float = 0.1
    """root mean square, in steps, by which recorded moves may be longer than one"""
    multiplier: float = 1.0
    """lambda at the start: what a unit of broken constraint costs"""
    goals: int = 4
    """random frames that each frame of a batch is pushed from"""
    steps: int = 1500
    """gradient steps"""
    batch_size: int = 128
    """recorded moves a step"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""

    def __post_init__(self) -> None:
        for name in ("softness", "epsilon", "multiplier"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} is {getattr(self, name)}; QRL needs one above 0")
        if not 1 <= self.goals < self.batch_size:
            raise ConfigError(
                f"goals is {self.goals}; frames are pushed from others of the batch, so 1 to {self.batch_size - 1}"
            )

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the observations, and what the network prepares of them."""
        size.latents = self.latent_dim
        learning = learning_bytes(self, size.observation_shape, rows=size.rows, batch=2 * self.batch_size)
        return size.observation_bytes + learning + size.rows * 8 * self.latent_dim


@dataclass(frozen=True)
class QRLAgentConfig(DistanceConfig):
    """The quasimetric beside what every such agent has."""

    qrl: QRLConfig = field(default_factory=QRLConfig)
    """the quasimetric"""


class Lagrangian(nn.Module):
    """The objective of QRL: min over D, max over lambda >= 0 of push(D) + lambda * (violation(D) - epsilon^2).

    Of all quasimetrics under which no recorded move is longer than a step, the shortest-path distance is the largest.
    So D is pushed up wherever it can be, and the triangle inequality of the head lets it rise just to that.
    """

    def __init__(self, config: QRLConfig, network: Trunk, head: MetricHead) -> None:
        super().__init__()
        self.config, self.network, self.head = config, network, head
        self.dual = nn.Parameter(torch.tensor(math.log(config.multiplier) / _DUAL_RATE))

    @property
    def multiplier(self) -> torch.Tensor:
        """Lambda. Its logarithm is learned: it has to grow with the length of the ways, by orders of magnitude."""
        return (_DUAL_RATE * self.dual).exp()

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """The loss of (B, ...) prepared frames and those one recorded move later.

        The value is the push alone; the gradient is that of the Lagrangian, which falls in D and rises in lambda.
        """
        z, z_next = self.network.encode(torch.cat([before, after])).float().chunk(2)
        slack = self.violation(z, z_next) - self.config.epsilon**2
        multiplier = self.multiplier
        return self.push(z, z_next) + multiplier.detach() * slack - multiplier * slack.detach()

    def push(self, z: torch.Tensor, z_next: torch.Tensor) -> torch.Tensor:
        """Mean of softplus(offset - D) from each frame to the later ones of other moves of the batch, in steps."""
        goals = torch.stack([z_next.roll(shift, 0) for shift in range(1, self.config.goals + 1)])
        softness = self.config.softness
        return (softness * F.softplus((self.config.offset - self.head.distance(z, goals)) / softness)).mean()

    def violation(self, z: torch.Tensor, z_next: torch.Tensor) -> torch.Tensor:
        """Mean of relu(D - 1)^2 over recorded moves, in steps^2."""
        return F.relu(self.head.distance(z, z_next) - 1).square().mean()


@register_agent
class QRLAgent(EmbeddingAgent):
    """D = interval quasimetric of latents, by the constrained maximisation of Wang et al. 2023 (arXiv 2304.01203).

    What differs from the paper: lambda is learned by its logarithm; the recorded action plays no part, since in worlds
    that do as they are told the next frame says the same; and actions are chosen by the forward model that all
    agents here share, in place of a policy or of a latent dynamics model that is learned along with D.
    """

    name = "qrl"
    config: QRLAgentConfig
    config_class = QRLAgentConfig
    option = "qrl"

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> EmbeddingMetric:
        config = self.config.qrl
        network = build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden)
        return EmbeddingMetric(network, device, config.iqe)

    def _train(
        self, metric: EmbeddingMetric, learn: Dataset, held_out: Dataset, training: Training
    ) -> dict[str, float]:
        """Learn D; validate it on the moves of held-out trajectories.

        Returns:
            ``multiplier`` (the last lambda), and of held-out moves ``neighbour_mean`` (steps),
            ``excess`` (root mean square of what they exceed a step by; the constraint grants training moves epsilon),
            ``spread`` (mean distance of random frames, steps).
        """
        config = self.config.qrl
        lagrangian = Lagrangian(config, metric.network, metric.head).to(training.device)
        moves = moving_transitions(learn)

        def sample(rng: np.random.Generator) -> Batch:
            return {"moves": moves[rng.integers(len(moves), size=config.batch_size)]}

        def loss(batch: Tensors) -> torch.Tensor:
            return lagrangian(*batch["frames"].chunk(2))

        frames = training.frames(metric.network, learn.observations)
        train(
            "embedding", lagrangian, sample, loss, config, training,
            frames=frames, rows=lambda batch: batch["moves"].T.ravel(),
        )  # fmt: skip
        figures = _validate(metric, held_out, training.rng("embedding-validation", 0))
        return {"multiplier": float(lagrangian.multiplier.detach()), **figures}


def _validate(metric: EmbeddingMetric, held_out: Dataset, rng: np.random.Generator) -> dict[str, float]:
    latents, moves = metric.embed(held_out.observations), moving_transitions(held_out)
    near = metric.between(latents[moves[:, 0]], latents[moves[:, 1]])
    left, right = rng.integers(len(latents), size=(2, 4000))
    return {
        "neighbour_mean": float(near.mean()),
        "excess": float(np.sqrt(np.square(np.maximum(near - 1, 0)).mean())),
        "spread": float(metric.between(latents[left], latents[right]).mean()),
    }
