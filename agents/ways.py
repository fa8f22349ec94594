"""Shortest ways to the goals that were asked about: one search a goal, and look-ups from then on."""

from __future__ import annotations

import numpy as np

from .graph import Graph
from .shortest_paths import paths_to

_MAX_GOALS = 1024  # whose ways are kept


class Ways:
    """Shortest ways from everywhere to the goals asked about so far; a Dijkstra for each goal."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._forget()

    def _forget(self) -> None:
        vertices = self.graph.num_vertices
        self._row = np.full(vertices, -1)
        self.distance = np.zeros((0, vertices), np.float32)
        """(G, V) steps to each goal"""
        self.following = np.zeros((0, vertices), np.int32)
        """(G, V) the vertex after each on its way to the goal"""

    def rows(self, goals: np.ndarray) -> np.ndarray:
        """(B,) int64, the row of each of the (B,) goal vertices in both tables, which grow as needed."""
        if len(self.distance) > _MAX_GOALS:
            self._forget()
        new = np.unique(goals[self._row[goals] < 0])
        if new.size:
            self._row[new] = len(self.distance) + np.arange(len(new))
            distance, following = paths_to(self.graph, new)
            self.distance = np.concatenate([self.distance, distance])
            self.following = np.concatenate([self.following, following])
        return self._row[goals]
