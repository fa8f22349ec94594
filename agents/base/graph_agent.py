"""What agents with a graph share: how it is learned and kept, and plans on it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from data_collection import Dataset
from data_collection.errors import check_name

from ..graphs.building import GraphConfig, build_graph, choose_vertices
from ..graphs.graph import Graph
from ..graphs.landmarks import covering_radius, pool_rows, spread_rows
from ..graphs.shortest_paths import Plan, shortest_plan
from ..graphs.teleports import expected_edge_costs
from ..graphs.transitions import jump_steps
from ..training.loop import Training
from ..training.splits import ValidationSplit
from ..training.workdir import Arrays
from .agent import as_batch
from .staged import StagedAgent
from .state import Parts, learned

_COVER_SAMPLE = 2000  # frames by which the covering radius is told, where nothing rests on it


class GraphParts(Parts):
    """The graph beside the local metric, and where its vertices come from."""

    part_of: ClassVar[dict[str, str]] = {"local": "local_metric", "graph": "graph"}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.graph: Graph | None = None
        self.vertex_rows = np.zeros(0, np.int64)
        self.local_latents = np.zeros((0, 0), np.float32)
        self.covering_radius = float("nan")

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        if stage == "graph":
            rows, latents = self.vertex_rows, self.local_latents
            radius = np.array([self.covering_radius])
            graph = learned(self.graph).arrays()
            return {**graph, "vertex_rows": rows, "local_latents": latents, "covering_radius": radius}
        return super().arrays(stage)

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "graph":
            self.vertex_rows, self.local_latents = arrays["vertex_rows"], arrays["local_latents"]
            # Agents saved before vertices could be spread do not know their radius.
            self.covering_radius = float(arrays.get("covering_radius", np.array([np.nan]))[0])
            self.graph = Graph.from_arrays(arrays)
        else:
            super().restore(stage, arrays)


class GraphMemory(StagedAgent):
    """An agent whose configuration has a ``graph`` and whose fit has a stage of that name, after "local"."""

    parts_class: ClassVar[type[Parts]] = GraphParts
    shareable: ClassVar[dict[str, str]] = {"local": "local_metric", "graph": "graph"}

    def _fit_graph(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        parts = learned(self._parts)
        parts.vertex_rows = self._choose_vertices(dataset, training.rng("graph", 0))
        parts.local_latents = self.local_metric.embed(dataset.observations[parts.vertex_rows])
        sample = self.config.graph.pool if self.config.graph.vertices == "spread" else _COVER_SAMPLE
        pool = pool_rows(dataset, sample, training.rng("graph-cover", 0))
        cover = self.local_metric.embed(dataset.observations[pool])
        parts.covering_radius = covering_radius(cover, parts.local_latents)
        parts.graph, jumps = self._graph_and_jumps(dataset, parts.vertex_rows, parts.local_latents)
        return {
            "vertices": float(parts.graph.num_vertices),
            "edges": float(parts.graph.num_edges),
            "inferred": float(parts.graph.inferred.sum()),
            "bridges": float(parts.graph.bridge.sum()) / 2,
            "threshold": self.threshold,
            "covering_radius": parts.covering_radius,
            **jumps,
        }

    def _graph_and_jumps(
        self, dataset: Dataset, rows: np.ndarray, latents: np.ndarray
    ) -> tuple[Graph, dict[str, float]]:
        """The graph, and figures about recorded jumps where these are looked for."""
        config = self.config.graph
        if not config.jumps:
            return self._build_graph(dataset, rows, latents), {}
        # Vertices may be few of all frames, and jumps rare, so all that was recorded is looked at.
        everywhere = self.local_metric.embed(dataset.observations)
        before, after = (everywhere[side] for side in dataset.transitions.T)
        jumped = jump_steps(np.linalg.norm(after - before, axis=1), config.jumps)
        graph = self._build_graph(dataset, rows, latents, jumped)
        return expected_edge_costs(graph, latents, before, after, jumped, self.threshold / 2)

    def _choose_vertices(self, dataset: Dataset, rng: np.random.Generator) -> np.ndarray:
        config = self.config.graph
        check_name("choice of vertices", config.vertices, ("trajectories", "spread"))
        if config.vertices == "trajectories":
            return choose_vertices(dataset, config.max_vertices, rng)
        pool = pool_rows(dataset, config.pool, rng)
        return pool[spread_rows(self.local_metric.embed(dataset.observations[pool]), config.max_vertices, rng)]

    def _build_graph(
        self, dataset: Dataset, rows: np.ndarray, latents: np.ndarray, jumped: np.ndarray | None = None
    ) -> Graph:
        members = self.config.local_metric.members
        return build_graph(self.config.graph, dataset, rows, latents, self.threshold, members, jumped)

    def cut(self, pairs: np.ndarray) -> int:
        """Remove found edges, both ways, that somebody tried to follow in vain; recorded ones stay.

        What was distilled from the graph does not change by itself: fit again with ``sharing`` for that.

        Args:
            pairs: (K, 2) vertices.

        Returns:
            How many edges went, each direction counted.
        """
        parts = learned(self._parts)
        before = parts.graph.num_edges
        parts.graph = parts.graph.without(pairs)
        return before - parts.graph.num_edges

    @property
    def graph(self) -> Graph:
        """The graph; its vertices are ``vertex_rows`` of the training dataset."""
        return learned(learned(self._parts).graph)

    @property
    def vertex_rows(self) -> np.ndarray:
        """(V,) int64, the row of the training dataset behind each vertex."""
        return learned(self._parts).vertex_rows

    @property
    def local_latents(self) -> np.ndarray:
        """(V, Q) float32, what the local metric knows of each vertex."""
        return learned(self._parts).local_latents

    @property
    def threshold(self) -> float:
        """The neighbour threshold d0 of the graph, in steps."""
        config = self.config.graph
        if config.threshold is not None:
            return config.threshold
        if isinstance(config, GraphConfig) and config.vertices == "spread":  # places have a graph of their own kind
            return config.overlap * learned(self._parts).covering_radius
        return self.local_metric.threshold

    def plan(self, observation: np.ndarray, goal: np.ndarray) -> Plan:
        """The shortest path on the graph between the vertices nearest to two single observations.

        Returns:
            Vertices (L + 1,) and cost in steps; ``vertex_rows[plan.vertices]`` are rows of the training dataset.

        Raises:
            NoPathError: if the goal cannot be reached, saying how much can.
        """
        ends = []
        for value, what in ((observation, "observation"), (goal, "goal")):
            batch, _ = as_batch(value, self.observation_shape, self.is_image, what)
            latent = self.local_metric.embed(batch[:1])
            ends.append(int(np.linalg.norm(learned(self._parts).local_latents - latent, axis=1).argmin()))
        return shortest_plan(self.graph, *ends, threshold=self.threshold)
