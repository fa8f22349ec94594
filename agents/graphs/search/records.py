"""What planners take and give: the heuristic, what they may spend, and the plans of a batch with what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import HeuristicError
from ..graph import Graph
from ..shortest_paths import Plan

Heuristic = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Vertices (K,) int64 and their goals (K,) int64 to estimated distances (K,), in steps; inf is allowed, NaN is not.

It is called once for the vertices of many plans, and must judge each pair by itself.
"""


@dataclass(frozen=True)
class SearchBudget:
    """The limits of one plan; ``None`` is no limit.

    Attributes:
        lookahead: k, edges from the current vertex to the rim of the ball that a walk looks at, at least 1.
        queue_size: |H|, entries that the open list keeps, best first, at least 1; 1 is the reactive regime.
        max_expansions: Vertices a plan may expand, at least 0; the plan fails where it would need one more.
    """

    lookahead: int = 1
    queue_size: int | None = None
    max_expansions: int | None = None

    def __post_init__(self) -> None:
        if self.lookahead < 1:
            raise ValueError(f"lookahead is {self.lookahead}; need at least 1 edge")
        if self.queue_size is not None and self.queue_size < 1:
            raise ValueError(f"queue_size is {self.queue_size}; need at least 1 entry, or None for no limit")
        if self.max_expansions is not None and self.max_expansions < 0:
            raise ValueError(f"max_expansions is {self.max_expansions}; need at least 0, or None for no limit")

    @property
    def expansions(self) -> int:
        """``max_expansions`` as a number to compare with."""
        return 2**62 if self.max_expansions is None else self.max_expansions


UNLIMITED = SearchBudget()


@dataclass(frozen=True, eq=False)
class PlanBatch:
    """B plans of one planner.

    Attributes:
        vertices: B arrays (L + 1,) int64 from start to goal; of a failed search the start alone, of a failed walk the
            way that it went.
        cost: (B,) float64, sum of the edge weights in steps; inf where the plan failed.
        expanded: (B,) int64, vertices whose edges were looked at, each time counted; the goal is not expanded.
        generated: (B,) int64, edges looked at, that is neighbours touched.
        success: (B,) bool, whether the goal was reached.
        out_of_budget: (B,) bool, True where ``max_expansions`` ended the plan; a failed plan that is not out of budget
            ran out of vertices, or walked in a circle.
    """

    vertices: tuple[np.ndarray, ...]
    cost: np.ndarray
    expanded: np.ndarray
    generated: np.ndarray
    success: np.ndarray
    out_of_budget: np.ndarray

    def __post_init__(self) -> None:
        for array in (*self.vertices, self.cost, self.expanded, self.generated, self.success, self.out_of_budget):
            array.setflags(write=False)

    def __len__(self) -> int:
        """B."""
        return len(self.vertices)

    def __getitem__(self, index: int) -> Plan:
        """One plan; its cost is inf where it failed."""
        return Plan(
            self.vertices[index], float(self.cost[index]), int(self.expanded[index]), int(self.generated[index])
        )

    @property
    def hops(self) -> np.ndarray:
        """(B,) int64, edges of each plan."""
        return np.array([len(path) - 1 for path in self.vertices], np.int64)

    def cost_ratio(self, optimum: np.ndarray) -> np.ndarray:
        """(B,) float64, cost over the cheapest cost, 1 for an optimal plan.

        Args:
            optimum: (B,) cheapest costs in steps, as ``dijkstra(...).cost``.

        Returns:
            1 where both are 0 (start is goal), inf where the plan failed and there was a way, NaN where there was none.
        """
        best = np.asarray(optimum, np.float64)
        ratio = np.full(len(self), np.nan)
        ratio[(best == 0) & (self.cost == 0)] = 1.0
        ratio[(best == 0) & (self.cost > 0)] = np.inf
        np.divide(self.cost, best, out=ratio, where=np.isfinite(best) & (best > 0))
        return ratio


def collect(
    graph: Graph,
    start: np.ndarray,
    plans: np.ndarray,
    edges: np.ndarray,
    expanded: np.ndarray,
    generated: np.ndarray,
    success: np.ndarray,
    out_of_budget: np.ndarray,
) -> PlanBatch:
    """Plans from the edges that they took: (M,) ascending plans, and the edge (M,) of each hop of theirs, in order."""
    ends = np.cumsum(np.bincount(plans, minlength=len(start)) + 1)
    begins = np.append(0, ends[:-1])[: len(start)]
    vertices = np.empty(len(start) + len(edges), np.int64)
    vertices[begins] = start
    vertices[np.arange(len(edges)) + plans + 1] = graph.indices[edges]
    paths = tuple(vertices[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True))
    cost = np.bincount(plans, weights=graph.weights[edges], minlength=len(start))
    return PlanBatch(paths, np.where(success, cost, np.inf), expanded, generated, success, out_of_budget)


def as_vertices(graph: Graph, starts: np.ndarray, goals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and goals as (B,) int64, broadcast against each other.

    Raises:
        IndexError: for a vertex that the graph does not have.
    """
    start, goal = np.broadcast_arrays(np.atleast_1d(starts), np.atleast_1d(goals))
    for name, array in (("start", start), ("goal", goal)):
        if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer) or not array.size):
            raise ValueError(f"{name}s have shape {array.shape} and dtype {array.dtype}; need (B,) integers")
        bad = np.flatnonzero((array < 0) | (array >= graph.num_vertices))
        if bad.size:
            raise IndexError(
                f"{name} {array[bad[0]]} of plan {bad[0]} is no vertex; there are vertices 0 to "
                f"{graph.num_vertices - 1}"
            )
    return start.astype(np.int64), goal.astype(np.int64)


def estimate(heuristic: Heuristic, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """The heuristic's (K,) float32 answer, checked.

    Raises:
        HeuristicError: for a wrong shape or NaN.
    """
    values = np.asarray(heuristic(vertices, goals), np.float32)
    if values.shape != vertices.shape:
        raise HeuristicError(
            f"the heuristic answered {len(vertices)} vertices with shape {values.shape}; need {vertices.shape}"
        )
    if np.isnan(values).any():
        bad = int(np.flatnonzero(np.isnan(values))[0])
        raise HeuristicError(
            f"the heuristic is NaN from vertex {vertices[bad]} to goal {goals[bad]}; check the metric behind it"
        )
    return values
