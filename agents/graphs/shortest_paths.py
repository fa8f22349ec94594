"""Shortest paths on a graph, by scipy: rows of distances to learn from, and single plans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from data_collection.engines import Engine

from ..errors import NoPathError
from .graph import Graph
from .parallel_paths import rows_from


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
        WorkerError: if one of the processes died over and over.
    """
    return rows_from(graph.matrix, sources, jobs, engine)


def distances_to(graph: Graph, goals: np.ndarray, *, jobs: int = 1, engine: Engine | None = None) -> np.ndarray:
    """Shortest-path distances (G, V) float32 of all vertices to (G,) goals; in all else ``distances_from``."""
    return rows_from(graph.matrix.T.tocsr(), goals, jobs, engine)


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
