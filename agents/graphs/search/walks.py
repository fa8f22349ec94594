"""Walks: look at the k-step ball around the current vertex, go to its best vertex, forget the rest (Algorithm 2)."""

from __future__ import annotations

import numpy as np

from ..graph import Graph
from .frontier import EMPTY
from .lookahead import Lookahead, best_of
from .records import UNLIMITED, Heuristic, PlanBatch, SearchBudget, as_vertices, collect


def greedy_walk(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    heuristic: Heuristic,
    budget: SearchBudget = UNLIMITED,
    *,
    avoid_visited: bool = False,
) -> PlanBatch:
    """Walks that always go to the neighbour of lowest heuristic; see ``lookahead_walk`` for the arguments.

    ``budget.lookahead`` is 1 here whatever it says. With ``avoid_visited=True`` this is ``best_first`` with
    ``queue_size=1``.
    """
    one = SearchBudget(max_expansions=budget.max_expansions)
    return lookahead_walk(graph, starts, goals, heuristic, one, add_path_cost=False, avoid_visited=avoid_visited)


def lookahead_walk(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    heuristic: Heuristic,
    budget: SearchBudget = UNLIMITED,
    *,
    add_path_cost: bool = True,
    avoid_visited: bool = False,
    rim_only: bool = False,
) -> PlanBatch:
    """Walks that go to the exact best vertex of the ball of ``budget.lookahead`` edges around them, then look again.

    The ball leaves out the vertex that it surrounds, where "stay" would win otherwise; its path costs are the cheapest
    over at most k edges; of equal values the lowest vertex wins. A walk without memory that comes to a stop for the
    second time would go round for ever, and has failed.

    Args:
        graph: V vertices.
        starts: (B,) vertices.
        goals: (B,) vertices.
        heuristic: D, estimated steps to the goal.
        budget: ``lookahead`` and ``max_expansions`` apply; a walk stops where the next ball would pass the limit.
        add_path_cost: Minimise path cost + D; False minimises D alone (Algorithm 2, line 6), which procrastinates.
        avoid_visited: Leave out the vertices at which the walk has stopped before.
        rim_only: Choose among the vertices no fewer than k edges away, and the goal. Path cost + D is nearly the same
            all along a good way, so on a graph with many near-duplicates the whole ball has the walk shuffle between
            those next to it; the rim does not.
    """
    start, goal = as_vertices(graph, starts, goals)
    ahead = Lookahead(graph, goal, heuristic, budget.lookahead, add_path_cost=add_path_cost, rim_only=rim_only)
    graph = ahead.graph
    plans, size = len(start), graph.num_vertices
    visited = np.zeros(plans * size, bool)
    at = start.copy()
    expanded, generated = np.zeros(plans, np.int64), np.zeros(plans, np.int64)
    out_of_budget = np.zeros(plans, bool)
    legs: list[tuple[np.ndarray, np.ndarray]] = []  # (K,) plans and the edges (K,) that they took next
    active = np.flatnonzero(at != goal)
    while active.size:
        visited[active * size + at[active]] = True
        ball, keys = ahead.look(active, at[active], budget.expansions - expanded[active])
        expanded[active] += ball.expanded
        generated[active] += ball.generated
        out_of_budget[active[ball.cut_short]] = True
        if avoid_visited:
            keys[visited[(active * size)[ball.owner] + ball.vertices]] = EMPTY
        moves, chosen = best_of(ball, keys)
        active = active[moves]
        at[active] = ball.vertices[chosen]
        legs += [(active[rows], edges) for rows, edges in ball.ways(chosen)]
        again = visited[active * size + at[active]] | (at[active] == goal[active])
        active = active[~again]
    nothing = np.empty(0, np.int64)
    took = np.concatenate([nothing, *(leg[0] for leg in legs)])
    edges = np.concatenate([nothing, *(leg[1] for leg in legs)])
    order = np.argsort(took, kind="stable")
    return collect(graph, start, took[order], edges[order], expanded, generated, at == goal, out_of_budget)
