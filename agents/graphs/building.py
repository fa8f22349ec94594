"""From a dataset and a local metric to a graph: recorded edges, found neighbours, bridges between components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from data_collection import Dataset
from data_collection.errors import check_name

from ..errors import ConfigError, GraphError
from .bridges import find_bridges
from .graph import Graph
from .landmarks import farthest_points, pool_rows
from .lengths import lengths_of
from .neighbours.within_radius import Search, near_pairs
from .pruning import PruningConfig, edge_weights, trusted_edges
from .transitions import crosses

# Two frames may have the same latent; an edge must cost something, or cycles become free and scipy drops it.
_LEAST_WEIGHT = 1e-3
_TYPICAL_DEGREE = 80  # edges of a vertex, for the forecast of memory


@dataclass(frozen=True)
class WholeEpisodes:
    """Whole trajectories in random order."""

    kind: ClassVar[str] = "trajectories"
    pool: ClassVar[int] = 0


@dataclass(frozen=True)
class Spread:
    """Frames far from one another, so that few of them cover much data."""

    kind: ClassVar[str] = "spread"
    pool: int = 60_000
    """frames that are looked at"""


@dataclass(frozen=True)
class GraphConfig:
    """Which frames become vertices and what joins them."""

    max_vertices: int = 3000
    """how many frames; at a fixed radius edges grow with the square"""
    vertices: WholeEpisodes | Spread = field(default_factory=WholeEpisodes)
    """"trajectories": whole ones in random order; "spread": frames far from one another"""
    threshold: float | None = None
    """neighbour threshold in steps; None: of "trajectories" the local metric's, calibrated on held-out ones; of
    "spread" 2.2 covering radii"""
    recorded_weight: Literal["one", "local"] = "one"
    """weight of a recorded transition: "one" as in the paper (Sec. 3), or "local" for d"""
    both_ways: bool = False
    """whether a recorded step can be undone: the graph then has it in both directions"""
    pruning: PruningConfig = field(default_factory=PruningConfig)
    """what an inferred edge has to pass"""
    max_degree: int = 0
    """neighbours that a vertex keeps, the nearest ones, beside its recorded edges; 0: all within the threshold. 20 does
    for graphs above 20,000 vertices"""
    search: Search = "auto"
    """how neighbours are found: "tree", "blocks" or "faiss"; see ``neighbours.near_pairs``"""
    bridge: bool = True
    """join what is left in components by the shortest edges, instead of raising the threshold"""
    jumps: float = 0.0
    """a recorded step whose d exceeds this many typical ones (``transitions.typical_step``) is a jump, as teleporters
    make: it is no edge, and all edges out of its vertex weigh their expected distance (``teleports``). 5 is a good
    choice; 0: every recorded step is an edge, and of several outcomes the best is believed"""

    def __post_init__(self) -> None:
        if not (self.jumps == 0 or self.jumps > 1):
            raise ConfigError(f"jumps is {self.jumps} typical steps; need more than 1, such as 5, or 0, which is off")
        check_name("weight of recorded edges", self.recorded_weight, ("one", "local"))

    def choose(
        self, dataset: Dataset, embed: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
    ) -> np.ndarray:
        """(V,) ascending dataset rows that become vertices."""
        if not self.vertices.pool:
            return choose_vertices(dataset, self.max_vertices, rng)
        pool = pool_rows(dataset, self.vertices.pool, rng)
        latents = embed(dataset.observations[pool])
        return pool[np.sort(farthest_points(latents, self.max_vertices, int(rng.integers(len(latents)))))]

    @property
    def stride(self) -> int:
        """Recorded steps from a vertex to the one of its trajectory that it has a recorded edge to."""
        return 1

    def near(self, dataset: Dataset, rows: np.ndarray, latents: np.ndarray, threshold: float) -> np.ndarray:
        """(E, 2) pairs of vertices that the local metric takes for neighbours; see ``build`` for the arguments."""
        return near_pairs(latents, threshold, max_degree=self.max_degree, search=self.search)

    def build(
        self,
        dataset: Dataset,
        rows: np.ndarray,
        latents: np.ndarray,
        threshold: float,
        members: int = 1,
        jumped: np.ndarray | None = None,
    ) -> Graph:
        """Recorded transitions at weight 1, neighbours within the threshold at weight d, bridges where pieces are left.

        Args:
            dataset: Where the transitions are recorded.
            rows: (V,) ascending dataset rows that become vertices 0 to V - 1, as from ``choose``.
            latents: (V, D) local latents of those rows; their Euclidean distance is d.
            threshold: Neighbour threshold d0 in steps; an edge iff d <= d0 (Sec. 3), and it passes
                ``pruning``.
            members: Networks whose latents stand side by side.
            jumped: (M,) bool, recorded transitions that are jumps; no edge leads across one. None by default.

        Raises:
            GraphError: if the latents are not finite.
        """
        if not np.isfinite(latents).all():
            raise GraphError("the local metric gave NaN or infinite latents; its training has diverged")
        ids = dataset.episode_ids[rows]
        first = np.flatnonzero((np.diff(rows) == self.stride) & (ids[:-1] == ids[1:]))
        recorded = np.stack([first, first + 1], 1)
        if jumped is not None:
            recorded = recorded[~crosses(dataset, rows[recorded], jumped)]
        near = self.near(dataset, rows, latents, threshold)
        near = near[trusted_edges(self.pruning, near, latents, recorded, threshold, members)]
        return join_graph(self, latents, recorded, np.full(len(recorded), float(self.stride)), near, threshold)

    def memory_need(self, size: Any) -> int:
        """Bytes that building takes: latents of the vertices and of their pool, and the edges."""
        size.vertices = min(size.rows, self.max_vertices)
        pool = min(size.rows, self.vertices.pool) if self.vertices.pool else size.vertices
        edges = size.vertices * min(size.vertices, _TYPICAL_DEGREE)
        return (pool + size.vertices) * size.latents * 4 + edges * 60


def choose_vertices(dataset: Dataset, max_vertices: int, rng: np.random.Generator) -> np.ndarray:
    """(V,) ascending dataset rows: whole trajectories in random order until ``max_vertices`` would be passed."""
    order = rng.permutation(dataset.num_episodes)
    frames = np.cumsum(dataset.episode_lengths[order] + 1)
    chosen = np.zeros(dataset.num_episodes, bool)
    chosen[order[: max(1, int(np.searchsorted(frames, max_vertices, side="right")))]] = True
    return np.flatnonzero(chosen[dataset.episode_ids])


def join_graph(
    config: GraphConfig,
    latents: np.ndarray,
    recorded: np.ndarray,
    steps: np.ndarray,
    near: np.ndarray,
    threshold: float,
) -> Graph:
    """The graph over vertices with these latents, bridged where the configuration wants it.

    Args:
        config: Weight of recorded edges, and whether to bridge.
        latents: (V, D) finite local latents; their Euclidean distance is d.
        recorded: (R, 2) vertex pairs that were recorded one after the other; those that coincide are dropped.
        steps: (R,) recorded steps between them.
        near: (E, 2) vertex pairs to be joined both ways at weight d, and what ``pruning`` adds.
        threshold: Neighbour threshold, in steps.
    """
    # A blocked action joins two pictures of one place.
    moved = lengths_of(latents, recorded) > _LEAST_WEIGHT
    recorded, steps = recorded[moved], steps[moved]
    if config.both_ways:
        recorded, steps = np.concatenate([recorded, recorded[:, ::-1]]), np.concatenate([steps, steps])
    near = np.concatenate([near, near[:, ::-1]])
    # What was recorded as one step is known, so the metric is asked about other pairs only.
    near = near[~np.isin(near @ (len(latents), 1), recorded[steps == 1] @ (len(latents), 1))]

    pairs = np.concatenate([recorded, near])
    weights = lengths_of(latents, pairs)
    weights[len(recorded) :] = edge_weights(config.pruning, weights[len(recorded) :], threshold)
    if config.recorded_weight == "one":
        weights[: len(recorded)] = steps
    inferred = np.arange(len(pairs)) >= len(recorded)
    graph = _graph(len(latents), pairs, weights, inferred, np.zeros(len(pairs), bool))
    if not config.bridge:
        return graph
    bridges = find_bridges(latents, graph.components())
    if not len(bridges):
        return graph
    pairs = np.concatenate([pairs, bridges, bridges[:, ::-1]])
    weights = np.concatenate([weights, np.tile(lengths_of(latents, bridges), 2)])
    found = np.arange(len(pairs)) >= len(inferred)
    return _graph(len(latents), pairs, weights, np.append(inferred, found[len(inferred) :]), found)


def _graph(vertices: int, pairs: np.ndarray, weights: np.ndarray, inferred: np.ndarray, bridge: np.ndarray) -> Graph:
    table = np.column_stack([pairs, np.maximum(weights, _LEAST_WEIGHT)])
    return Graph.from_edges(vertices, table, inferred, bridge)
