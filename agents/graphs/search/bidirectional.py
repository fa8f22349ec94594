"""Dijkstra from both ends at once."""

from __future__ import annotations

import numpy as np

from ..graph import Graph
from .frontier import EMPTY, Frontier, edges_of, pack, unpack_priority, unpack_vertex, without_parallel_edges
from .records import UNLIMITED, PlanBatch, SearchBudget, as_vertices, collect

_NOWHERE = np.iinfo(np.int64).max


def bidirectional(
    graph: Graph,
    starts: np.ndarray,
    goals: np.ndarray,
    budget: SearchBudget = UNLIMITED,
) -> PlanBatch:
    """Cheapest plans, searched from the start and, against the edges, from the goal.

    Each turn expands the cheaper of the two open vertices (the start's side on a tie); a plan is done when the two
    together cost no less than the best way found where the searches touch.

    Args:
        graph: V vertices.
        starts: (B,) vertices.
        goals: (B,) vertices.
        budget: ``queue_size`` (for each side) and ``max_expansions`` (together) apply; a queue limit gives up the
            promise of the cheapest plan.
    """
    start, goal = as_vertices(graph, starts, goals)
    graph = without_parallel_edges(graph)
    plans, size = len(start), graph.num_vertices
    both, original = _there_and_back(graph)
    # Row 2 b is the search from the start of plan b, row 2 b + 1 the one from its goal.
    frontier = Frontier(np.stack([start, goal], axis=1).ravel(), size, np.zeros(2 * plans, np.float32))
    best = np.where(start == goal, np.float32(0), np.float32(np.inf))
    meeting = np.where(start == goal, start, _NOWHERE)
    expanded, generated = np.zeros(plans, np.int64), np.zeros(plans, np.int64)
    out_of_budget = np.zeros(plans, bool)
    active = np.arange(plans)
    turn = 0
    while active.size:
        sides = (2 * active[:, None] + [0, 1]).ravel()
        keys, slots = (array.reshape(-1, 2) for array in frontier.best(sides))
        top = np.where(keys == EMPTY, np.float32(np.inf), unpack_priority(keys))
        done = (top.sum(axis=1) >= best[active]) | (keys == EMPTY).any(axis=1)
        if turn >= budget.expansions:
            out_of_budget[active[~done]] = True
            best[active[~done]] = np.inf  # what was found is not known to be cheapest
            done[:] = True
        if done.any():
            expanded[active[done]] = turn
            active, keys, slots, top = active[~done], keys[~done], slots[~done], top[~done]
            if not active.size:
                break
        turn += 1
        side = (top[:, 1] < top[:, 0]).astype(np.int64)
        index = np.arange(len(active))
        at, rows = unpack_vertex(keys[index, side]), 2 * active + side
        here = rows * size + at
        frontier.close(rows, slots[index, side], here)
        owner, edge, degree = edges_of(both, at + side * size)
        generated[active] += degree
        cost = frontier.cost[here][owner] + both.weights[edge]
        target = both.indices[edge] - (side * size)[owner]
        flat = rows[owner] * size + target
        better = np.flatnonzero(cost < frontier.cost[flat])
        owner, edge, cost, target, flat = (array[better] for array in (owner, edge, cost, target, flat))
        frontier.cost[flat] = cost
        frontier.via[flat] = edge
        frontier.put(rows[owner], flat, pack(cost, target))
        total = cost + frontier.cost[(rows ^ 1)[owner] * size + target]
        _meet(best, meeting, active[owner], total, target)
        if budget.queue_size is not None:
            frontier.truncate(rows, budget.queue_size)
    success = np.isfinite(best)
    done = np.flatnonzero(success)
    origins = both.starts % size
    ahead = frontier.way_back(2 * done, meeting[done], origins)
    behind = frontier.way_back(2 * done + 1, meeting[done], origins)
    ways = np.concatenate([ahead[:, ::-1], behind], axis=1)
    rows, hops = np.nonzero(ways >= 0)
    edges = original[ways[rows, hops]]
    return collect(graph, start, done[rows], edges, expanded, generated, success, out_of_budget)


def _there_and_back(graph: Graph) -> tuple[Graph, np.ndarray]:
    """A graph of 2 V vertices: the edges, then all of them turned round; and (2 E,) which edge each one was."""
    size, edges = graph.num_vertices, graph.num_edges
    order = np.lexsort((graph.starts, graph.indices))
    turned = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(graph.indices, minlength=size), out=turned[1:])
    original = np.append(np.arange(edges), order)
    both = Graph(
        np.append(graph.indptr, edges + turned[1:]),
        np.append(graph.indices, graph.starts[order] + size),
        graph.weights[original],
        graph.inferred[original],
        graph.bridge[original],
    )
    return both, original


def _meet(best: np.ndarray, meeting: np.ndarray, plans: np.ndarray, total: np.ndarray, target: np.ndarray) -> None:
    """Lower ``best`` and ``meeting`` (B,) to the cheapest of (K,) meetings; of equal ones the lowest vertex."""
    touch = np.flatnonzero(total < best[plans])
    plans, total, target = plans[touch], total[touch], target[touch]
    np.minimum.at(best, plans, total)
    win = total == best[plans]
    meeting[plans[win]] = _NOWHERE
    np.minimum.at(meeting, plans[win], target[win])
