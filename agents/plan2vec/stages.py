"""The stage that distils a graph into an embedding: phi, and phi of the graph's vertices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graphs.frame_graph import FrameGraph
from ..metrics.global_metric import GlobalMetric, GlobalMetricConfig
from ..metrics.local import LocalMetric
from ..metrics.tables.anchored import AnchoredConfig, AnchoredMetric
from ..metrics.tables.table_embedding import embed_table
from ..training.saving import Arrays


class VertexMetric(GlobalMetric):
    """A global metric, and phi of each vertex.

    Attributes:
        vertex_embeddings: (V, D) float32.
    """

    tables = ("vertex_embeddings",)
    vertex_embeddings: np.ndarray


def fit_global(
    run: Any, config: GlobalMetricConfig | AnchoredConfig, local: LocalMetric, graph: FrameGraph
) -> VertexMetric | AnchoredMetric:
    """The stage that distils by a network, or by a table of latents that the local metric finds again."""

    def learn() -> tuple[VertexMetric | AnchoredMetric, dict[str, float]]:
        if isinstance(config, AnchoredConfig):
            table, figures = embed_table(config.table, graph.graph, run.training.rng("global-landmarks", 0))
            anchored = AnchoredMetric(config.anchors, local, graph.latents, np.arange(len(table)), table)
            return anchored, {**figures, "megabytes": anchored.nbytes / 1e6}
        frames = run.dataset.observations[graph.rows]
        metric, figures = VertexMetric.fit(config, frames, run.unseen(graph.rows), graph.graph, run.training)
        metric.vertex_embeddings = metric.embed(frames)
        return metric, figures

    def restore(arrays: Arrays) -> VertexMetric | AnchoredMetric:
        if isinstance(config, AnchoredConfig):
            return AnchoredMetric.restore(config.anchors, local, arrays)
        return VertexMetric.restore(config, run.observation_shape, run.device, arrays)

    return run.stage("global", config, learn, restore)
