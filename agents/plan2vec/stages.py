"""The stage that distils a graph into an embedding: phi, and phi of the graph's vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..graphs.frame_graph import FrameGraph
from ..metrics.global_metric import GlobalMetric, GlobalMetricConfig
from ..metrics.local import LocalMetric
from ..metrics.tables.anchored import AnchoredConfig, AnchoredMetric
from ..metrics.tables.table_embedding import embed_table
from ..training.saving import Arrays

_VERTICES = "vertex_embeddings"


@dataclass(eq=False)
class DistilledMetric:
    """The global metric, and phi of each vertex."""

    metric: GlobalMetric | AnchoredMetric
    vertex_embeddings: np.ndarray
    """(V, D) float32"""

    @classmethod
    def fit(
        cls, config: GlobalMetricConfig | AnchoredConfig, run: Any, local: LocalMetric, graph: FrameGraph
    ) -> tuple[Self, dict[str, float]]:
        """Distil by a network, or by a table of latents that the local metric finds again."""
        if isinstance(config, AnchoredConfig):
            table, figures = embed_table(config.table, graph.graph, run.training.rng("global-landmarks", 0))
            anchored = AnchoredMetric(config.anchors, local, graph.latents, np.arange(len(table)), table)
            return cls(anchored, table), {**figures, "megabytes": anchored.nbytes / 1e6}
        frames = run.dataset.observations[graph.rows]
        metric, figures = GlobalMetric.fit(config, frames, run.unseen(graph.rows), graph.graph, run.training)
        return cls(metric, metric.embed(frames)), figures

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        if isinstance(self.metric, AnchoredMetric):
            return self.metric.arrays()
        return {**self.metric.arrays(), _VERTICES: self.vertex_embeddings}

    @classmethod
    def restore(cls, config: GlobalMetricConfig | AnchoredConfig, run: Any, local: LocalMetric, arrays: Arrays) -> Self:
        """The metric that ``arrays`` came from.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if isinstance(config, AnchoredConfig):
            return cls(AnchoredMetric.restore(config.anchors, local, arrays), arrays["table"])
        weights = {name: array for name, array in arrays.items() if name != _VERTICES}
        return cls(GlobalMetric.restore(config, run.observation_shape, run.device, weights), arrays[_VERTICES])
