"""Found edges against the truth: closures that became edges, edges that are false, and plans that go along one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra

from agents.graphs.graph import Graph
from agents.graphs.shortest_paths import paths_to

SHORT_WAY = 3
"""Edges within which a closure counts as made, if by a detour: a plan needs no edge of its own there."""
CLOSURES_ASKED = 300
"""Closures whose distance on the graph is looked up, at most."""
STARTS_A_GOAL = 5

IsFalse = Callable[[np.ndarray], np.ndarray]
"""(E, 2) pairs of vertices -> (E,) bool, whether their ends are truly too far apart."""


def pair_keys(pairs: np.ndarray, num_vertices: int) -> np.ndarray:
    """(E,) a number of each of the (E, 2) pairs, the same in either direction."""
    return np.sort(np.asarray(pairs, np.int64).reshape(-1, 2), axis=1) @ (num_vertices, 1)


def found_pairs(graph: Graph) -> np.ndarray:
    """(F, 2) pairs of vertices, left < right, that an edge joins which the local metric found."""
    ends = np.stack([graph.starts, graph.indices], 1)[graph.inferred]
    return np.unique(np.sort(ends, axis=1), axis=0)


def draw_tasks(groups: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of vertices of different trajectories, `STARTS_A_GOAL` for every goal: one search serves them all.

    Args:
        groups: (V,) trajectory of each vertex, at least two different ones.
        count: pairs.
        rng: draws them.

    Returns:
        (count,) starts and (count,) goals.
    """
    goals = np.repeat(rng.integers(len(groups), size=-(-count // STARTS_A_GOAL)), STARTS_A_GOAL)[:count]
    starts = np.array([rng.choice(np.flatnonzero(groups != groups[goal])) for goal in goals], np.int64)
    return starts, goals


def shortest_ways(graph: Graph, starts: np.ndarray, goals: np.ndarray) -> list[np.ndarray | None]:
    """The vertices (L + 1,) of the cheapest way of each pair; None where there is none."""
    ends, which = np.unique(goals, return_inverse=True)
    distance, following = paths_to(graph, ends)
    ways: list[np.ndarray | None] = []
    for start, goal, row in zip(starts.tolist(), goals.tolist(), which.tolist(), strict=True):
        if not np.isfinite(distance[row, start]):
            ways.append(None)
            continue
        way = [start]
        while way[-1] != goal:
            way.append(int(following[row, way[-1]]))
        ways.append(np.array(way))
    return ways


def false_on_ways(ways: list[np.ndarray | None], false: np.ndarray, num_vertices: int) -> list[np.ndarray]:
    """(K, 2) false edges along each way; none along none.

    Args:
        ways: as of `shortest_ways`.
        false: (F,) keys of the false pairs, see `pair_keys`.
        num_vertices: V.
    """
    met = []
    for way in ways:
        edges = np.zeros((0, 2), np.int64) if way is None else np.stack([way[:-1], way[1:]], 1)
        met.append(edges[np.isin(pair_keys(edges, num_vertices), false)])
    return met


def judge(
    graph: Graph, closures: np.ndarray, is_false: IsFalse, starts: np.ndarray, goals: np.ndarray
) -> dict[str, Any]:
    """What the found edges of a graph are worth.

    Args:
        graph: without bridges.
        closures: (C, 2) vertices of different trajectories that are truly near.
        is_false: the truth about pairs.
        starts: (J,) vertices to plan from.
        goals: (J,) vertices to plan to.

    Returns:
        ``found``, edges, both directions as one; ``recall``, share of the closures that are edges; ``short``, share
        of some of them that `SHORT_WAY` edges or fewer join; ``false``, share of the found edges; ``connected``,
        share of the pairs that a plan joins; ``clean``, share of these plans without a false edge. None where there
        is nothing to take a share of.
    """
    vertices, found = graph.num_vertices, found_pairs(graph)
    false = pair_keys(found[is_false(found)], vertices)
    ways = shortest_ways(graph, starts, goals)
    there = np.array([way is not None for way in ways])
    clean = np.array([not len(edges) for edges in false_on_ways(ways, false, vertices)])
    hit = np.isin(pair_keys(closures, vertices), pair_keys(found, vertices))
    return {
        "found": len(found),
        "recall": _share(hit),
        "short": _share(_within(graph, closures, SHORT_WAY)),
        "false": _share(is_false(found)),
        "connected": _share(there),
        "clean": _share(clean[there]),
    }


def clean_up(
    graph: Graph, is_false: IsFalse, groups: np.ndarray, rounds: int, count: int, rng: np.random.Generator
) -> Graph:
    """The graph after rounds of plans whose false edges, at which somebody fails, are cut.

    Args:
        graph: without bridges.
        is_false: what an execution would find out.
        groups: (V,) trajectory of each vertex.
        rounds: how often.
        count: plans a round, all made before any of them is tried.
        rng: draws their pairs; the first rounds of a longer clean-up are those of a shorter one.
    """
    found = found_pairs(graph)
    false = pair_keys(found[is_false(found)], graph.num_vertices)
    for _ in range(rounds):
        ways = shortest_ways(graph, *draw_tasks(groups, count, rng))
        graph = graph.without(np.concatenate(false_on_ways(ways, false, graph.num_vertices)))
    return graph


def _within(graph: Graph, pairs: np.ndarray, limit: int) -> np.ndarray:
    """(K,) whether so many edges join some evenly chosen pairs; their number, as a penalty changes their weights."""
    if not len(pairs):
        return np.zeros(0, bool)
    chosen = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), CLOSURES_ASKED)).astype(int)]
    starts, which = np.unique(chosen[:, 0], return_inverse=True)
    distance = dijkstra(graph.matrix, directed=True, indices=starts, unweighted=True, limit=limit)
    return np.isfinite(distance[which, chosen[:, 1]])


def _share(flags: np.ndarray) -> float | None:
    return round(float(flags.mean()), 6) if len(flags) else None
