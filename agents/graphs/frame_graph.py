"""The graph over recorded frames: which rows of the dataset its vertices are, and how paths are planned on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from data_collection import Dataset

from .building import GraphConfig
from .graph import Graph
from .landmarks import covering_radius, pool_rows
from .shortest_paths import Plan, shortest_plan
from .teleports import expected_edge_costs
from .transitions import jump_steps

_COVER_SAMPLE = 2000  # frames by which the covering radius is told, where nothing rests on it
_OVERLAP = 2.2  # vertices of neighbouring cells of a cover are at most two radii apart, and some more joins them


class Local(Protocol):
    """A local metric: embeds observations, and says which latents are neighbours."""

    threshold: float

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents of (B, ...) observations, (B, Q) float32, whose Euclidean distance is d."""
        ...


@dataclass(frozen=True, eq=False)
class FrameGraph:
    """A graph whose vertices are frames of a dataset.

    Attributes:
        graph: V vertices.
        rows: (V,) int64, the row of the training dataset behind each vertex.
        latents: (V, Q) float32 local latents of those rows.
        covering_radius: largest d from a frame of the data to its nearest vertex, in steps; NaN if unknown.
        threshold: the neighbour threshold d0, in steps.
    """

    graph: Graph
    rows: np.ndarray
    latents: np.ndarray
    covering_radius: float
    threshold: float

    @classmethod
    def build(
        cls,
        config: GraphConfig,
        dataset: Dataset,
        local: Local,
        members: int,
        rng_of: Callable[[str, int], np.random.Generator],
    ) -> tuple[Self, dict[str, float]]:
        """Choose vertices, join them, and say what came of it.

        Args:
            config: Which frames are vertices, and which of them are joined.
            dataset: What was recorded.
            local: The local metric.
            members: Networks whose local latents stand side by side.
            rng_of: Generators by name and number.

        Returns:
            The graph, and its figures: numbers of vertices, edges, inferred edges and bridges, threshold, radius, and
            those of jumps where these are looked for.

        Raises:
            GraphError: if the latents are not finite.
        """
        rows = config.choose(dataset, local.embed, rng_of("graph", 0))
        latents = local.embed(dataset.observations[rows])
        pool = pool_rows(dataset, config.vertices.pool or _COVER_SAMPLE, rng_of("graph-cover", 0))
        radius = covering_radius(local.embed(dataset.observations[pool]), latents)
        threshold = threshold_of(config, local, radius)
        jumps: dict[str, float] = {}
        if config.jumps:
            # Vertices may be few of all frames, and jumps rare, so all that was recorded is looked at.
            everywhere = local.embed(dataset.observations)
            before, after = (everywhere[side] for side in dataset.transitions.T)
            jumped = jump_steps(np.linalg.norm(after - before, axis=1), config.jumps)
            graph = config.build(dataset, rows, latents, threshold, members, jumped)
            graph, jumps = expected_edge_costs(graph, latents, before, after, jumped, threshold / 2)
        else:
            graph = config.build(dataset, rows, latents, threshold, members)
        return cls(graph, rows, latents, radius, threshold), {
            "vertices": float(graph.num_vertices),
            "edges": float(graph.num_edges),
            "inferred": float(graph.inferred.sum()),
            "bridges": float(graph.bridge.sum()) / 2,
            "threshold": threshold,
            "covering_radius": radius,
            **jumps,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, as arrays."""
        return {
            **self.graph.arrays(),
            "vertex_rows": self.rows,
            "local_latents": self.latents,
            "covering_radius": np.array([self.covering_radius]),
        }

    @classmethod
    def restore(cls, config: GraphConfig, local: Local, arrays: dict[str, np.ndarray]) -> Self:
        """The graph that ``arrays`` came from."""
        # Agents saved before vertices could be spread do not know their radius.
        radius = float(arrays.get("covering_radius", np.array([np.nan]))[0])
        threshold = threshold_of(config, local, radius)
        return cls(Graph.from_arrays(arrays), arrays["vertex_rows"], arrays["local_latents"], radius, threshold)

    def plan(self, here: np.ndarray, there: np.ndarray) -> Plan:
        """The shortest path between the vertices nearest to two local latents.

        Raises:
            NoPathError: if the goal cannot be reached, saying how much can.
        """
        start, goal = (int(np.linalg.norm(self.latents - end, axis=1).argmin()) for end in (here, there))
        return shortest_plan(self.graph, start, goal, threshold=self.threshold)


def threshold_of(config: GraphConfig, local: Local, radius: float) -> float:
    """The neighbour threshold d0: as configured; of spread vertices some covering radii; else the local metric's."""
    if config.threshold is not None:
        return config.threshold
    return _OVERLAP * radius if config.vertices.pool else local.threshold
