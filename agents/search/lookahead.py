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
        self, graph: Graph, goals: np.ndarray, heuristic: Heuristic, k: int, *, add_path_cost: bool = True
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            graph: V vertices.
            goals: (B,) the goal vertex of each walk.
            heuristic: D, estimated steps to the goal.
            k: Edges from the centre to the rim, at least 1.
            add_path_cost: Judge by path cost + D; False by D alone.
        """
        self.graph = without_parallel_edges(graph)
        self._goals, self._heuristic, self._k, self._add_path_cost = goals, heuristic, k, add_path_cost
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
            guess = estimate(self._heuristic, ball.vertices, self._goals[rows[ball.owner]])
        else:
            ball = self._balls.around(rows, centres, self._k, limit)
            guess = self._remember((rows * self.graph.num_vertices)[ball.owner] + ball.vertices)
        return ball, pack(ball.cost + guess if self._add_path_cost else guess, ball.vertices)

    def _remember(self, flat: np.ndarray) -> np.ndarray:
        guess = self._known[flat]
        unknown = np.flatnonzero(np.isnan(guess))
        if unknown.size:
            walks, vertices = np.divmod(flat[unknown], self.graph.num_vertices)
            guess[unknown] = estimate(self._heuristic, vertices, self._goals[walks])
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
