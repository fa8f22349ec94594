"""What a walk sees before it moves: the ball of k edges around it, and what each vertex of the ball is worth."""

from __future__ import annotations

import numpy as np

from ..graph import Graph
from .ball import Ball, Balls, neighbours
from .frontier import EMPTY, pack, without_parallel_edges
from .records import Heuristic, estimate


class Lookahead:
    """Looks around for B walks over V vertices, and keeps what their overlapping balls would ask twice.

    Attributes:
        graph: The graph that is looked at, without parallel edges.
    """

    def __init__(
        self,
        graph: Graph,
        goals: np.ndarray,
        heuristic: Heuristic,
        k: int,
        *,
        add_path_cost: bool = True,
        rim_only: bool = False,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            graph: V vertices.
            goals: (B,) the goal vertex of each walk.
            heuristic: D, estimated steps to the goal.
            k: Edges from the centre to the rim, at least 1.
            add_path_cost: Judge by path cost + D; False by D alone.
            rim_only: Judge the vertices no fewer than k edges away, and the goal; the others are never the best.
        """
        self.graph = without_parallel_edges(graph)
        self._goals, self._heuristic, self._k = goals, heuristic, k
        self._add_path_cost, self._rim_only = add_path_cost, rim_only
        # Estimates (B * V,) are kept because the balls of a walk overlap; single steps hardly do, and need no scratch.
        self._balls = Balls(self.graph, len(goals)) if k > 1 else None
        self._known = np.full(len(goals) * graph.num_vertices if k > 1 else 0, np.nan, np.float32)

    def look(self, rows: np.ndarray, centres: np.ndarray, limit: np.ndarray) -> tuple[Ball, np.ndarray]:
        """The balls around (K,) centres, and the key (S,) int64 of each of their vertices; the lowest is the best.

        Equal values are settled by the lowest vertex.

        Args:
            rows: (K,) which walks, ascending.
            centres: (K,) where they are.
            limit: (K,) most expansions.
        """
        if self._balls is None:
            ball = neighbours(self.graph, centres, limit)
        else:
            ball = self._balls.around(rows, centres, self._k, limit)
        walks, vertices, cost = rows[ball.owner], ball.vertices, ball.cost
        if not self._rim_only:
            return ball, self._keys(walks, vertices, cost)
        judged = ball.on_rim | (vertices == self._goals[walks])
        keys = np.full(len(vertices), EMPTY)
        keys[judged] = self._keys(walks[judged], vertices[judged], cost[judged])
        return ball, keys

    def _keys(self, walks: np.ndarray, vertices: np.ndarray, cost: np.ndarray) -> np.ndarray:
        guess = self._ask(walks, vertices)
        return pack(cost + guess if self._add_path_cost else guess, vertices)

    def _ask(self, walks: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """D of vertices (M,) to the goals of these walks (M,)."""
        if self._balls is None:
            return estimate(self._heuristic, vertices, self._goals[walks])
        flat = walks * self.graph.num_vertices + vertices
        guess = self._known[flat]
        unknown = np.flatnonzero(np.isnan(guess))
        if unknown.size:
            guess[unknown] = estimate(self._heuristic, vertices[unknown], self._goals[walks[unknown]])
            self._known[flat] = guess
        return guess


def best_of(ball: Ball, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the K centres have somewhere to go (K,) bool, and the best vertex of each of those (P,), by centre.

    Args:
        ball: Around K centres.
        keys: (S,) int64 from ``Lookahead.look``; EMPTY for a vertex that must not be chosen.
    """
    best = np.full(len(ball.expanded), EMPTY)
    np.minimum.at(best, ball.owner, keys)
    moves = (best != EMPTY) & ~ball.cut_short
    chosen = np.flatnonzero((keys == best[ball.owner]) & moves[ball.owner])
    return moves, chosen[np.argsort(ball.owner[chosen])]
