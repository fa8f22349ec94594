"""The stage that agents share which distil a graph into an embedding: phi, and D as the distance of its latents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from data_collection import Dataset
from data_collection.errors import check_name

from ..base.graph_agent import GraphMemory, GraphParts
from ..base.state import learned
from ..graphs.building import GraphConfig
from ..metrics.global_metric import GlobalMetric, GlobalMetricConfig
from ..metrics.tables.anchored import AnchorConfig, AnchoredMetric
from ..metrics.tables.table_embedding import TableConfig, embed_table
from ..training.loop import Training
from ..training.saving import load_network, network_arrays
from ..training.splits import ValidationSplit
from ..training.workdir import Arrays


@dataclass(frozen=True)
class DistilledConfig:
    """The graph, and the embedding that its distances become."""

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


class DistilledParts(GraphParts):
    """The graph, the metric, and phi of the graph's vertices."""

    part_of: ClassVar[dict[str, str]] = {**GraphParts.part_of, "global": "metric"}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.metric: Any = None
        self.vertex_embeddings = np.zeros((0, 0), np.float32)

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        if stage != "global":
            return super().arrays(stage)
        if self.config.embedding == "anchored":
            return learned(self.metric).arrays()
        return {**network_arrays(learned(self.metric).network), "vertex_embeddings": self.vertex_embeddings}

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage != "global":
            super().restore(stage, arrays)
        elif self.config.embedding == "anchored":
            local = learned(self.local_metric)
            self.metric = AnchoredMetric(self.config.anchors, local, arrays["keys"], arrays["places"], arrays["table"])
            self.vertex_embeddings = arrays["table"]
        else:
            self.vertex_embeddings = arrays["vertex_embeddings"]
            self.metric = GlobalMetric(self.config.global_metric, self.observation_shape, self.device)
            weights = {name: array for name, array in arrays.items() if name != "vertex_embeddings"}
            load_network(self.metric.network, weights)


class DistilledMetric(GraphMemory):
    """An agent with a stage "global" after "graph", whose configuration is a ``DistilledConfig``."""

    parts_class: ClassVar[type[DistilledParts]] = DistilledParts

    def _fit_global(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        check_name("embedding", self.config.embedding, ("network", "anchored"))
        parts = learned(self._parts)
        if self.config.embedding == "anchored":
            table, figures = embed_table(self.config.table, self.graph, training.rng("global-landmarks", 0))
            keys, places = parts.local_latents, np.arange(len(table))
            parts.metric = AnchoredMetric(self.config.anchors, self.local_metric, keys, places, table)
            parts.vertex_embeddings = table
            return {**figures, "megabytes": parts.metric.nbytes / 1e6}
        frames = dataset.observations[parts.vertex_rows]
        unseen = folds.unseen(dataset.episode_ids[parts.vertex_rows])
        metric, figures = GlobalMetric.fit(self.config.global_metric, frames, unseen, self.graph, training)
        parts.metric, parts.vertex_embeddings = metric, metric.embed(frames)
        return figures

    @property
    def global_metric(self) -> GlobalMetric | AnchoredMetric:
        """The global metric D."""
        return learned(learned(self._parts).metric)

    @property
    def vertex_embeddings(self) -> np.ndarray:
        """(V, D) float32, phi of each vertex."""
        return learned(self._parts).vertex_embeddings
