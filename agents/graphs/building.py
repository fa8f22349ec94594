"""From a dataset and a local metric to a graph: recorded edges, found neighbours, bridges between components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import scipy

from data_collection import Dataset
from data_collection.errors import check_name

from ..errors import ConfigError, GraphError
from .bridges import join_components
from .graph import Graph
from .landmarks import pool_rows, spread_rows
from .neighbours.within_radius import BIG_GRAPH, Search, near_pairs
from .pruning import PruningConfig, edge_weights, lengths_of, trusted_edges
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
        return pool[spread_rows(embed(dataset.observations[pool]), self.max_vertices, rng)]

    def build(
        self,
        dataset: Dataset,
        rows: np.ndarray,
        latents: np.ndarray,
        threshold: float,
        members: int = 1,
        jumped: np.ndarray | None = None,
    ) -> Graph:
        """The graph over these rows; see ``build_graph``."""
        return build_graph(self, dataset, rows, latents, threshold, members, jumped)

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


def build_graph(
    config: GraphConfig,
    dataset: Dataset,
    rows: np.ndarray,
    latents: np.ndarray,
    threshold: float,
    members: int = 1,
    jumped: np.ndarray | None = None,
) -> Graph:
    """Recorded transitions at weight 1, neighbours within the threshold at weight d, bridges where pieces are left.

    Args:
        config: Choices.
        dataset: Where the transitions are recorded.
        rows: (V,) ascending dataset rows that become vertices 0 to V - 1.
        latents: (V, D) local latents of those rows; their Euclidean distance is d.
        threshold: Neighbour threshold d0 in steps; an edge iff d <= d0 (Sec. 3), and it passes the wormhole control.
        members: Networks whose latents stand side by side.
        jumped: (M,) bool, recorded transitions that are jumps and become no edges; none by default.

    Raises:
        GraphError: if the latents are not finite.
    """
    check_latents(latents)
    recorded = _recorded_pairs(dataset, rows)
    if jumped is not None:
        recorded = recorded[~crosses(dataset, rows[recorded], jumped)]
    near = near_pairs(latents, threshold, max_degree=config.max_degree, search=config.search)
    near = near[trusted_edges(config.pruning, near, latents, recorded, threshold, members)]
    return join_graph(config, latents, recorded, np.ones(len(recorded)), near, threshold)


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
        near: (E, 2) vertex pairs to be joined both ways at weight d, and what the wormhole control adds.
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


def check_latents(latents: np.ndarray) -> None:
    """Refuse latents that cannot be measured.

    Raises:
        GraphError: if they are not finite.
    """
    if not np.isfinite(latents).all():
        raise GraphError("the local metric gave NaN or infinite latents; its training has diverged")


def _recorded_pairs(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """(M', 2) vertex pairs of recorded transitions between these rows."""
    vertex_of = np.full(len(dataset.observations), -1)
    vertex_of[rows] = np.arange(len(rows))
    recorded = vertex_of[dataset.transitions]
    return recorded[(recorded >= 0).all(1)]


def find_bridges(latents: np.ndarray, components: np.ndarray) -> np.ndarray:
    """The (components - 1, 2) vertex pairs of a minimum spanning tree between components (Boruvka's rounds).

    Joining by the shortest gaps adds a handful of long edges; raising the threshold until all is connected
    would add thousands of false ones everywhere.

    Args:
        latents: (V, D) float.
        components: (V,) int labels.
    """
    if len(latents) > BIG_GRAPH:
        return join_components(latents, components)
    labels = np.unique(components, return_inverse=True)[1]
    tree = scipy.spatial.cKDTree(latents)
    bridges = []
    while labels.max() > 0:
        largest = np.bincount(labels).argmax()
        for label in range(labels.max() + 1):
            members = np.flatnonzero(labels == label)
            # A component merged earlier in this round is empty; the largest is reached from the others.
            if label == largest or not len(members):
                continue
            pair = _nearest_outside(tree, latents, labels, members)
            bridges.append(pair)
            labels[members] = labels[pair[1]]
        labels = np.unique(labels, return_inverse=True)[1]
    return np.array(bridges, np.int64).reshape(-1, 2)


def _nearest_outside(
    tree: scipy.spatial.cKDTree, latents: np.ndarray, labels: np.ndarray, members: np.ndarray
) -> tuple[int, int]:
    """The closest (member, non-member) pair; members whose neighbours are all members ask for more of them."""
    inside = labels[members[0]]
    best, pair, k = np.inf, (-1, -1), 8
    while len(members):
        k = min(k, len(latents))
        distance, neighbour = tree.query(latents[members], k=k)
        outside = np.where(labels[neighbour] != inside, distance, np.inf)
        row, column = np.unravel_index(outside.argmin(), outside.shape)
        if outside[row, column] < best:
            best, pair = outside[row, column], (int(members[row]), int(neighbour[row, column]))
        # Undecided: no outsider among the k nearest, and the k-th nearer than the best pair so far.
        members = members[np.isinf(outside).all(1) & (distance[:, -1] < best) & (k < len(latents))]
        k *= 4
    return pair


def _graph(vertices: int, pairs: np.ndarray, weights: np.ndarray, inferred: np.ndarray, bridge: np.ndarray) -> Graph:
    table = np.column_stack([pairs, np.maximum(weights, _LEAST_WEIGHT)])
    return Graph.from_edges(vertices, table, inferred, bridge)
