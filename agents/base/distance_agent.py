"""What every agent that is a distance between latents shares: acting by argmin after a forward model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch

from data_collection import Dataset

from ..control.action_memory import ActionMemory, MemoryConfig
from ..control.forward_model import ForwardModel, ForwardModelConfig
from ..metrics.latent_metric import EmbeddingMetric, LatentMetric
from ..metrics.local import LocalMetric, LocalMetricConfig
from ..networks import build_trunk
from ..training.loop import Training
from .agent import Agent, Costs, needed
from .staged import LearningFit


@dataclass(frozen=True)
class DistanceConfig:
    """What agents choose that differ in their embedding alone."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    """the local metric d, by which the memory knows a spot again"""
    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    """where the latent goes for each action"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""


class LatentAgent(Agent):
    """Measures D between latents.

    Attributes:
        metric: the embedding phi, and the distance of its latents.
    """

    metric: LatentMetric

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations: (B, D) float32; (D,) for a single one."""
        batch, single = self._batch(observations, "observation")
        latents = self.metric.embed(batch)
        return latents[0] if single else latents

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """D between matching latents of ``embed``, (..., D) and (..., D) -> (...) float32, in steps."""
        return self.metric.between(latents, goal_latents)

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        return self.between(self.embed(observation), self.embed(goal))


class DistanceAgent(LatentAgent):
    """Measures D between latents and acts by it: argmin_a D(f(phi(s), a), phi(g)).

    Attributes:
        local_metric: the local metric d, by which the memory knows a spot again.
        forward_model: where the latent goes for each action; None if no actions were recorded.
    """

    local_metric: LocalMetric
    forward_model: ForwardModel | None

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        return self.between(self.embed(observation), self._goal_latents(goal))

    def _goal_latents(self, goal: np.ndarray) -> np.ndarray:
        return self._of_goal(goal, lambda *_: self.embed(goal))

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> Costs:
        """D from the imagined next latent to the goal: D(f(phi(s), a), phi(g)), in steps."""
        model = needed(self.forward_model, "no forward model")
        latents = self.metric.embed(batch)
        with torch.inference_mode():
            imagined = model.imagine(torch.as_tensor(latents, device=self.metric.device))
            target = np.atleast_2d(self._goal_latents(goal))[:, None]
            costs = self.metric.head.distance(imagined, torch.as_tensor(target, device=self.metric.device))
        return Costs(
            model.candidates, costs.cpu().numpy(), latents if memory is None else self.local_metric.embed(batch)
        )


def fit_forward(run: Any, config: ForwardModelConfig, metric: Callable[[], LatentMetric]) -> ForwardModel | None:
    """The stage that learns the forward model of a metric's latents, from all recorded transitions."""

    def learn() -> tuple[ForwardModel, dict[str, float]]:
        latents, unseen = metric().embed(run.dataset.observations), run.unseen(run.dataset.transitions[:, 0])
        return ForwardModel.fit(config, latents, run.dataset, unseen, run.training)

    return run.stage("forward", config, learn, partial(ForwardModel.restore, config, run.device), from_actions=True)


def fit_local(run: Any, config: LocalMetricConfig) -> LocalMetric:
    """The stage that learns the local metric."""

    def learn() -> tuple[LocalMetric, dict[str, float]]:
        some, held_out = run.halves()
        return LocalMetric.fit(config, some, held_out, run.training)

    restore = partial(LocalMetric.restore, config, run.observation_shape, run.device)
    return run.stage("local", config, learn, restore)


class EmbeddingAgent(DistanceAgent):
    """A distance agent whose embedding is learned without a graph, in a stage of its own.

    A subclass gives ``option`` and ``_train``; ``_new_metric`` too, if it is no trunk with the L2 distance.
    """

    config: Any
    option: ClassVar[str]
    """Entry of its configuration that is the configuration of the embedding."""

    @property
    def embedding(self) -> Any:
        """The configuration of the embedding."""
        return getattr(self.config, self.option)

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> EmbeddingMetric:
        """The untrained metric."""
        c = self.embedding
        return EmbeddingMetric(build_trunk(c.trunk, observation_shape, c.latent_dim, c.hidden), device)

    def _train(
        self, metric: EmbeddingMetric, learn: Dataset, held_out: Dataset, training: Training
    ) -> dict[str, float]:
        """Learn the metric, which is initialised and knows the statistics of what it learns from; its figures."""
        raise NotImplementedError

    def _fit_embedding(self, run: LearningFit) -> tuple[EmbeddingMetric, dict[str, float]]:
        learn, held_out = run.halves()
        with run.training.seeded_torch("embedding"):
            metric = self._new_metric(run.observation_shape, run.device)
        metric.network.standardise.fit(learn.observations)
        return metric, self._train(metric, learn, held_out, run.training)

    def _fit(self, run: Any) -> None:
        c = self.config
        self.local_metric = fit_local(run, c.local_metric)
        self.metric = run.stage(
            "embedding", self.embedding,
            lambda: self._fit_embedding(run),
            lambda arrays: self._new_metric(run.observation_shape, run.device).filled(arrays),
        )  # fmt: skip
        self.forward_model = fit_forward(run, c.forward_model, lambda: self.metric)
