"""Shortest paths on a graph, by scipy: rows of distances to learn from, and single plans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import dijkstra

from .errors import NoPathError
from .graph import Graph


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


def distances_from(graph: Graph, sources: np.ndarray) -> np.ndarray:
    """Shortest-path distances (S, V) float32 from each of the (S,) sources; inf where there is no path."""
    return dijkstra(graph.matrix, directed=True, indices=sources).astype(np.float32)


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
    distance, before = dijkstra(graph.matrix, directed=True, indices=start, return_predecessors=True)
    if not np.isfinite(distance[goal]):
        raise NoPathError(start, goal, int(np.isfinite(distance).sum()), graph.num_vertices, threshold)
    path = [goal]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return Plan(np.array(path[::-1], np.int64), float(distance[goal]))
