"""Dijkstra, A* and best-first: one lockstep search that differs in the order of its open list."""

from __future__ import annotations

import numpy as np

from ..graph import Graph
from .frontier import EMPTY, Frontier, edges_of, pack, unpack_vertex, without_parallel_edges
from .records import UNLIMITED, Heuristic, PlanBatch, SearchBudget, as_vertices, collect, estimate


def dijkstra(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    budget: SearchBudget = UNLIMITED,
    *,
    record: list[np.ndarray] | None = None,
) -> PlanBatch:
    """Cheapest plans, expanding by cost so far until the goal is the cheapest open vertex.

    Args:
        graph: V vertices.
        starts: (B,) vertices.
        goals: (B,) vertices.
        budget: ``queue_size`` and ``max_expansions`` apply; a queue limit gives up the promise of the cheapest plan.
        record: is given the vertices that each turn expands, one of every plan that still searches.
    """
    return _search(graph, starts, goals, None, budget, record, add_path_cost=True)


def a_star(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    heuristic: Heuristic,
    budget: SearchBudget = UNLIMITED,
    *,
    record: list[np.ndarray] | None = None,
) -> PlanBatch:
    """Plans by cost so far + heuristic; the cheapest if the heuristic never overestimates.

    A vertex is settled when popped and reopened when a cheaper way to it turns up, so that the heuristic may be
    inconsistent. In the worst case that takes exponentially many expansions: set ``max_expansions`` then.

    Args:
        graph: V vertices.
        starts: (B,) vertices.
        goals: (B,) vertices.
        heuristic: Estimated steps to the goal.
        budget: ``queue_size`` and ``max_expansions`` apply; a queue limit gives up the promise of the cheapest plan.
        record: is given the vertices that each turn expands, one of every plan that still searches.
    """
    return _search(graph, starts, goals, heuristic, budget, record, add_path_cost=True)


def best_first(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    heuristic: Heuristic,
    budget: SearchBudget = UNLIMITED,
    *,
    record: list[np.ndarray] | None = None,
) -> PlanBatch:
    """Plans by the heuristic alone, each vertex expanded at most once.

    With an unlimited queue a reachable goal is reached, if not cheaply. With ``queue_size=1`` the next vertex is the
    neighbour of lowest heuristic that was not expanded yet: the reactive regime of Table 2.

    Args:
        graph: V vertices.
        starts: (B,) vertices.
        goals: (B,) vertices.
        heuristic: Estimated steps to the goal.
        budget: ``queue_size`` and ``max_expansions`` apply.
        record: is given the vertices that each turn expands, one of every plan that still searches.
    """
    return _search(graph, starts, goals, heuristic, budget, record, add_path_cost=False)


def _search(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    heuristic: Heuristic | None,
    budget: SearchBudget,
    record: list[np.ndarray] | None,
    *,
    add_path_cost: bool,
) -> PlanBatch:
    """The lockstep search: each turn of the loop expands the best open vertex of every plan that is not done."""
    start, goal = as_vertices(graph, starts, goals)
    graph = without_parallel_edges(graph)
    plans, size = len(start), graph.num_vertices
    first = np.zeros(plans, np.float32) if heuristic is None else estimate(heuristic, start, goal)
    frontier = Frontier(start, size, first)
    # (B * V,) estimates, kept because A* asks again whenever a cheaper way is found; best-first asks once.
    memory = np.full(plans * size, np.nan, np.float32) if heuristic is not None and add_path_cost else None
    expanded, generated = np.zeros(plans, np.int64), np.zeros(plans, np.int64)
    success, out_of_budget = np.zeros(plans, bool), np.zeros(plans, bool)
    active = np.arange(plans)
    turn = 0  # every active plan has expanded as many vertices as there were turns
    while active.size:
        keys, slots = frontier.best(active)
        at = unpack_vertex(keys)
        reached = at == goal[active]
        done = reached | (keys == EMPTY)
        if turn >= budget.expansions:
            out_of_budget[active[~done]] = True
            done[:] = True | done
        if done.any():
            success[active[reached & (keys != EMPTY)]] = True
            expanded[active[done]] = turn
            active, at, slots = active[~done], at[~done], slots[~done]
            if not active.size:
                break
        turn += 1
        if record is not None:
            record.append(at)
        here = active * size + at
        frontier.close(active, slots, here)
        owner, edge, degree = edges_of(graph, at)
        generated[active] += degree
        cost = frontier.cost[here][owner] + graph.weights[edge]
        if not add_path_cost:
            frontier.cost[here] = -np.inf  # no way is cheaper, so it is never entered again
        flat = (active * size)[owner] + graph.indices[edge]
        better = np.flatnonzero(cost < frontier.cost[flat])
        flat, edge, cost = flat[better], edge[better], cost[better]
        frontier.cost[flat] = cost
        frontier.via[flat] = edge
        if not add_path_cost:  # an open vertex keeps its place: only its way back became cheaper
            new = np.flatnonzero(frontier.slot[flat] < 0)
            flat, edge, better = flat[new], edge[new], better[new]
        rows, targets = active[owner[better]], graph.indices[edge]
        if heuristic is None:
            priority = cost
        elif memory is None:
            priority = estimate(heuristic, targets, goal[rows])
        else:
            guess = memory[flat]
            unknown = np.flatnonzero(np.isnan(guess))
            if unknown.size:
                guess[unknown] = estimate(heuristic, targets[unknown], goal[rows[unknown]])
                memory[flat] = guess
            priority = cost + guess
        frontier.put(rows, flat, pack(priority, targets))
        if budget.queue_size is not None:
            frontier.truncate(active, budget.queue_size)
    arrived = np.flatnonzero(success)
    edges = frontier.way_back(arrived, goal[arrived], graph.starts)[:, ::-1]
    rows, hops = np.nonzero(edges >= 0)
    return collect(graph, start, arrived[rows], edges[rows, hops], expanded, generated, success, out_of_budget)
