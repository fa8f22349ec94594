"""Ways to the goals that were asked about, kept: one search a goal, or D of each vertex once a goal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .graph import Graph
from .shortest_paths import paths_to

_MAX_GOALS = 1024  # whose ways are kept


class PathCache:
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


class DistanceCache:
    """D from vertices to the goals asked about so far, each measured when it is first asked for.

    From one decision to the next nearly the same vertices lie around.
    """

    def __init__(self, table: np.ndarray, between: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        """Of (V, D) latents, and D between such."""
        self.table = table
        self._between = between
        self._rows: dict[int, np.ndarray] = {}

    def to(self, goal: int, vertices: np.ndarray) -> np.ndarray:
        """(M,) float32, steps from (M,) vertices to the goal vertex."""
        if goal not in self._rows:
            if len(self._rows) >= _MAX_GOALS:
                self._rows.clear()
            self._rows[goal] = np.full(len(self.table), np.nan, np.float32)
        row = self._rows[goal]
        found = row[vertices]
        new = vertices[np.isnan(found)]
        if not new.size:
            return found
        row[new] = self._between(self.table[new], self.table[goal][None])
        return row[vertices]
