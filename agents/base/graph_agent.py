"""What agents with a graph share: what can be asked of it, and plans on it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..graphs.building import GraphConfig
from ..graphs.frame_graph import FrameGraph
from ..graphs.graph import Graph
from ..graphs.shortest_paths import Plan
from ..metrics.local import LocalMetric
from .agent import Agent


class GraphAgent(Agent):
    """An agent that learns a graph over recorded frames.

    Attributes:
        local_metric: the local metric d.
        frame_graph: the graph, and the frames that its vertices are.
    """

    local_metric: LocalMetric
    frame_graph: FrameGraph

    @property
    def graph(self) -> Graph:
        """The graph; its vertices are ``vertex_rows`` of the training dataset."""
        return self.frame_graph.graph

    @property
    def vertex_rows(self) -> np.ndarray:
        """(V,) int64, the row of the training dataset behind each vertex."""
        return self.frame_graph.rows

    @property
    def local_latents(self) -> np.ndarray:
        """(V, Q) float32, what the local metric knows of each vertex."""
        return self.frame_graph.latents

    @property
    def threshold(self) -> float:
        """The neighbour threshold d0 of the graph, in steps."""
        return self.frame_graph.threshold

    def cut(self, pairs: np.ndarray) -> int:
        """Remove inferred edges, both ways, that were followed in vain; recorded ones stay.

        What was distilled from the graph does not change by itself: fit again with ``sharing`` for that.

        Args:
            pairs: (K, 2) vertices.

        Returns:
            How many edges went, each direction counted.
        """
        before = self.graph.num_edges
        self.frame_graph = replace(self.frame_graph, graph=self.graph.without(pairs))
        self._parts["graph"] = self.frame_graph
        return before - self.graph.num_edges

    def plan(self, observation: np.ndarray, goal: np.ndarray) -> Plan:
        """The shortest path on the graph between the vertices nearest to two single observations.

        Returns:
            Vertices (L + 1,) and cost in steps; ``vertex_rows[plan.vertices]`` are rows of the training dataset.

        Raises:
            NoPathError: if the goal cannot be reached, saying how much can.
            ObservationError: for an observation unlike those of the training dataset.
        """
        ends = (self._batch(value, what)[0][:1] for value, what in ((observation, "observation"), (goal, "goal")))
        return self.frame_graph.plan(*(self.local_metric.embed(end) for end in ends))


def fit_graph(run: Any, config: GraphConfig, local: LocalMetric, members: int) -> FrameGraph:
    """The stage that chooses frames and joins them."""
    return run.stage(
        "graph", config,
        lambda: FrameGraph.build(config, run.dataset, local, members, run.training.rng),
        partial(FrameGraph.restore, config, local),
    )  # fmt: skip
