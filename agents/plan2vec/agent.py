"""Plan2vec: local metric, graph, global metric, forward model; then acting is one look-up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch

from data_collection import Dataset

from ..base.agent import register_agent
from ..base.distance_agent import DistanceAgent, DistanceConfig
from ..base.state import DistanceParts
from ..metrics.global_metric import GlobalMetric
from ..training.loop import Training, one_torch_thread
from ..training.splits import ValidationSplit
from .stages import DistilledConfig, DistilledMetric, DistilledParts


@dataclass(frozen=True)
class Plan2VecConfig(DistilledConfig, DistanceConfig):
    """All choices of the method; a variant is ``dataclasses.replace``."""

    def with_latent_dim(self, latent_dim: int) -> Plan2VecConfig:
        """The same with another dimension of phi; 2 draws a map."""
        return replace(self, global_metric=replace(self.global_metric, latent_dim=latent_dim))


class Plan2VecParts(DistilledParts, DistanceParts):
    """Those of a distance agent, the graph, and phi of its vertices."""

    part_of: ClassVar[dict[str, str]] = {**DistilledParts.part_of, "forward": "forward_model"}


@register_agent
class Plan2Vec(DistilledMetric, DistanceAgent):
    """Learns a goal-reaching metric from offline rollouts and acts by it.

    ::

        dataset -> local metric d -> graph -> shortest paths -> global metric D -> act: argmin_a D(f(s, a), g)

    Example::

        agent = Plan2Vec().fit(dataset)
        action = agent.act(observation["observation"], observation["desired_goal"])
    """

    name = "plan2vec"
    config: Plan2VecConfig
    config_class = Plan2VecConfig
    parts_class = Plan2VecParts
    stages = ("local", "graph", "global", "forward")
    shareable: ClassVar[dict[str, str]] = {"local": "local_metric", "graph": "graph"}

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> GlobalMetric:
        return GlobalMetric(self.config.global_metric, observation_shape, device)

    # Learning

    @one_torch_thread()
    def with_latent_dim(
        self,
        latent_dim: int,
        dataset: Dataset,
        *,
        workdir: Path | str | None = None,
        progress: bool = True,
    ) -> Plan2Vec:
        """A second agent over the same graph whose phi has ``latent_dim`` dimensions; it does not act.

        It is fitted as this one was.

        Args:
            latent_dim: 2 draws a map.
            dataset: The dataset this agent was fitted on.
            workdir: As in ``fit``.
            progress: Show a bar.
        """
        other = Plan2Vec(self.config.with_latent_dim(latent_dim)).sharing(self)
        device = str(self.local_metric.device)
        training = Training.begin(
            self.seed, workdir=workdir, device=device, progress=progress, execution=self.execution, label="map"
        )
        other._begin(dataset, training)
        for stage in ("local", "graph", "global"):
            other._stage(stage, dataset, ValidationSplit.of(dataset, self.seed), training)
        return other
