"""Shortest paths on a graph, by scipy: rows of distances to learn from, and single plans.

Each source is computed by itself, so rows are the same bits in this process and on an engine, to which
the graph is sent once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy

from ..errors import NoPathError
from .graph import Graph

if TYPE_CHECKING:
    from data_collection.engines import Engine

_AT_ONCE = 16_000_000  # distances in 64 bits, 128 MB
_SHARES = 64  # on a cluster of unknown size


class Plan(NamedTuple):
    """A path on the graph."""

    vertices: np.ndarray
    """(L + 1,) int64, start and goal included"""
    cost: float
    """sum of the L edge weights, in steps"""
    expanded: int = 0
    """vertices whose edges were looked at to find it; 0 where nobody counted"""
    generated: int = 0
    """edges looked at to find it; 0 where nobody counted"""


def distances_from(graph: Graph, sources: np.ndarray, *, jobs: int = 1, engine: Engine | None = None) -> np.ndarray:
    """Shortest-path distances (S, V) float32 from each of the (S,) sources; inf where there is no path.

    Args:
        graph: The graph.
        sources: (S,) vertices.
        jobs: Processes that share the sources; the result is the same to the bit.
        engine: Who shares them instead, such as ``get_engine("ray")``; likewise the same.

    Raises:
        InvalidOptionError: for less than one job.
        WorkerError: if a process died over and over, or the graph does not fit the shared memory.
    """
    return _rows(graph.matrix, sources, jobs, engine)


def distances_to(graph: Graph, goals: np.ndarray, *, jobs: int = 1, engine: Engine | None = None) -> np.ndarray:
    """Shortest-path distances (G, V) float32 of all vertices to (G,) goals; in all else ``distances_from``."""
    return _rows(graph.matrix.T.tocsr(), goals, jobs, engine)


def shortest_plan(graph: Graph, start: int, goal: int, *, threshold: float = float("nan")) -> Plan:
    """The cheapest path between two vertices (Algorithm 1, line 4).

    Args:
        graph: The graph.
        start: Vertex.
        goal: Vertex.
        threshold: Neighbour threshold the graph was built with, for the error message.

    Raises:
        NoPathError: saying how much was reachable.
    """
    distance, before = scipy.sparse.csgraph.dijkstra(
        graph.matrix, directed=True, indices=start, return_predecessors=True
    )
    if not np.isfinite(distance[goal]):
        raise NoPathError(start, goal, int(np.isfinite(distance).sum()), graph.num_vertices, threshold)
    path = [goal]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return Plan(np.array(path[::-1], np.int64), float(distance[goal]))


def paths_to(graph: Graph, goals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shortest ways of all vertices to some goals, by one Dijkstra a goal on the reversed graph.

    Args:
        graph: The graph.
        goals: (G,) vertices.

    Returns:
        Distances (G, V) float32, inf where there is no path, and the vertex that follows each vertex on its way,
        (G, V) int32; the goal, and a vertex without a path, is followed by itself.
    """
    distance, following = scipy.sparse.csgraph.dijkstra(
        graph.matrix.T.tocsr(), directed=True, indices=goals, return_predecessors=True
    )
    itself = np.broadcast_to(np.arange(graph.num_vertices, dtype=np.int32), following.shape)
    return distance.astype(np.float32), np.where(following < 0, itself, following)


def _rows(matrix: Any, sources: np.ndarray, jobs: int, engine: Engine | None) -> np.ndarray:
    """Distances (S, V) float32 by the edges of a (V, V) sparse matrix; see ``distances_from``."""
    if engine is None and jobs != 1:
        from data_collection.engines import LocalEngine  # with one process nothing is started, and this not read

        engine = LocalEngine(jobs)
    sources = np.asarray(sources, np.int64).reshape(-1)
    # In the types of scipy's Dijkstra, which otherwise converts the whole graph at every call.
    shared = (matrix.data.astype(np.float64), matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
    share = -(-len(sources) // (1 if engine is None else engine.jobs or _SHARES))
    at_once = max(1, min(share, _AT_ONCE // matrix.shape[0]))
    parts = [slice(i, min(i + at_once, len(sources))) for i in range(0, len(sources), at_once)]
    wanted = (sources[part] for part in parts)
    done = (
        enumerate(_search(each, *shared) for each in wanted)
        if engine is None
        else engine.map(_search, wanted, shared=shared)
    )
    rows = np.empty((len(sources), matrix.shape[0]), np.float32)
    for index, found in done:
        rows[parts[index]] = found
    return rows


def _search(sources: np.ndarray, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    size = len(indptr) - 1
    graph = scipy.sparse.csr_array((data, indices, indptr), shape=(size, size))
    return scipy.sparse.csgraph.dijkstra(graph, directed=True, indices=sources).astype(np.float32)
