"""Plan2vec: local metric, graph, global metric, forward model; then acting is one look-up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from data_collection import Dataset
from data_collection.errors import check_name

from .anchored_metric import AnchorConfig, AnchoredMetric
from .core import register_agent
from .distance_agent import DistanceAgent, DistanceConfig
from .folds import Folds
from .global_metric import GlobalMetric, GlobalMetricConfig
from .graph_building import GraphConfig
from .graph_memory import GraphMemory, GraphParts
from .parts import DistanceParts, learned
from .saving import load_network, network_arrays
from .table_embedding import TableConfig, embed_table
from .training import Training, one_torch_thread
from .workdir import Arrays, Workdir


@dataclass(frozen=True)
class Plan2VecConfig(DistanceConfig):
    """All choices of the method; a variant is ``dataclasses.replace``."""

    graph: GraphConfig = field(default_factory=GraphConfig)
    """which frames are vertices, and which of them are joined"""
    embedding: Literal["network", "anchored"] = "network"
    """"network": a network regresses latents from images, of constant size; "anchored": the local metric knows the
    vertices' frames again and a table holds their latents: exact on the graph, and as large as it"""
    global_metric: GlobalMetricConfig = field(default_factory=GlobalMetricConfig)
    """of "network": the embedding phi, and how it is distilled from the graph"""
    table: TableConfig = field(default_factory=TableConfig)
    """of "anchored": latents of the vertices"""
    anchors: AnchorConfig = field(default_factory=lambda: AnchorConfig(nearest=8, temperature=0.05))
    """of "anchored": from an image to latents"""

    def with_latent_dim(self, latent_dim: int) -> Plan2VecConfig:
        """The same with another dimension of phi; 2 draws a map."""
        return replace(self, global_metric=replace(self.global_metric, latent_dim=latent_dim))


class Plan2VecParts(GraphParts, DistanceParts):
    """Those of a distance agent, the graph, and phi of its vertices."""

    part_of: ClassVar[dict[str, str]] = {
        "local": "local_metric",
        "graph": "graph",
        "global": "metric",
        "forward": "forward_model",
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.vertex_embeddings = np.zeros((0, 0), np.float32)

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        if stage == "global":
            if self.config.embedding == "anchored":
                return learned(self.metric).arrays()
            return {**network_arrays(learned(self.metric).network), "vertex_embeddings": self.vertex_embeddings}
        return super().arrays(stage)

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "global" and self.config.embedding == "anchored":
            local = learned(self.local_metric)
            self.metric = AnchoredMetric(self.config.anchors, local, arrays["keys"], arrays["places"], arrays["table"])
            self.vertex_embeddings = arrays["table"]
        elif stage == "global":
            self.vertex_embeddings = arrays["vertex_embeddings"]
            self.metric = self.new_metric(self.observation_shape, self.device)
            weights = {name: array for name, array in arrays.items() if name != "vertex_embeddings"}
            load_network(self.metric.network, weights)
        else:
            super().restore(stage, arrays)


@register_agent
class Plan2Vec(GraphMemory, DistanceAgent):
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

        Args:
            latent_dim: 2 draws a map.
            dataset: The dataset this agent was fitted on.
            workdir: As in ``fit``.
            progress: Show a bar.
        """
        other = Plan2Vec(self.config.with_latent_dim(latent_dim)).sharing(self)
        training = other._begin(dataset, self.seed, Workdir(workdir), str(self.local_metric.device), progress, "map")
        for stage in ("local", "graph", "global"):
            other._stage(stage, dataset, Folds.of(dataset, self.seed), training)
        return other

    def _fit_global(self, dataset: Dataset, folds: Folds, training: Training) -> dict[str, float]:
        check_name("embedding", self.config.embedding, ("network", "anchored"))
        parts = learned(self._parts)
        if self.config.embedding == "anchored":
            table, figures = embed_table(self.config.table, self.graph, training.rng("global-landmarks", 0))
            places = np.arange(len(table))
            parts.metric = AnchoredMetric(self.config.anchors, self.local_metric, parts.local_latents, places, table)
            parts.vertex_embeddings = table
            return {**figures, "megabytes": parts.metric.nbytes / 1e6}
        frames = dataset.observations[parts.vertex_rows]
        unseen = folds.unseen(dataset.episode_ids[parts.vertex_rows])
        metric, figures = GlobalMetric.fit(self.config.global_metric, frames, unseen, self.graph, training)
        parts.metric, parts.vertex_embeddings = metric, metric.embed(frames)
        return figures

    # What was learned

    @property
    def global_metric(self) -> GlobalMetric | AnchoredMetric:
        """The global metric D."""
        return learned(learned(self._parts).metric)

    @property
    def vertex_embeddings(self) -> np.ndarray:
        """(V, D) float32, phi of each vertex."""
        return learned(self._parts).vertex_embeddings
