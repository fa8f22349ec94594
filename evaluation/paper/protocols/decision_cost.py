"""What it costs to act by a table of latents: one decision, and a whole way of many."""

from __future__ import annotations

import time

import numpy as np

from agents.graphs.graph import Graph

from ...errors import ProtocolError
from .planning_cost import exponent


def walk_by_table(graph: Graph, table: np.ndarray, start: int, goal: int, limit: int) -> list[int]:
    """Places on the way of one driver who goes where the table says that the goal is nearest, and never back.

    One driver by itself, as it acts: the latents of the neighbours are at hand, and nothing is shared with others.
    """
    here, latents, path, been = start, table[goal], [start], {start}
    while here != goal and len(path) <= limit:
        ends = graph.indices[graph.indptr[here] : graph.indptr[here + 1]]
        if not len(ends):
            break
        gaps = np.square(table[ends] - latents).sum(1)
        order = ends[gaps.argsort()].tolist()
        here = next((end for end in order if end not in been), order[0])
        been.add(here)
        path.append(here)
    return path


def decision_cost(
    graph: Graph, table: np.ndarray, starts: np.ndarray, goals: np.ndarray, *, limit: int = 3000, repeats: int = 5
) -> dict[str, float | None]:
    """Microseconds a decision over whole ways, and how the time of a way grows with its length.

    Args:
        graph: V vertices.
        table: (V, D) latents with D(s, g) = ||z - g||^2.
        starts: (B,) vertices, at ways of many lengths to their goals.
        goals: (B,) vertices.
        limit: decisions a way at most.
        repeats: every way is timed so often, and the quickest counts: what else the machine does only adds.

    Returns:
        Of the ways that arrived: ``us``, median over ways; ``us_low`` and ``us_high``, its 5 % and 95 % quantiles over
        ways; ``exponent`` of the time of a way in its number of decisions, by least squares of the logarithms: 1 is
        linear, None where all are equally long; ``longest`` way; ``arrived``, the share of all ways.

    Raises:
        ProtocolError: if no way arrives.
    """
    seconds, decisions, arrived = np.full(len(starts), np.inf), np.zeros(len(starts)), np.zeros(len(starts), bool)
    for _ in range(repeats):
        for i, (start, goal) in enumerate(zip(starts.tolist(), goals.tolist(), strict=True)):
            began = time.perf_counter()
            path = walk_by_table(graph, table, start, goal, limit)
            seconds[i] = min(seconds[i], time.perf_counter() - began)
            decisions[i], arrived[i] = len(path) - 1, path[-1] == goal != start
    if not arrived.any():
        raise ProtocolError("no way arrived, so there is no decision to time; take goals that can be reached")
    seconds, decisions = seconds[arrived], decisions[arrived]
    low, middle, high = np.quantile(1e6 * seconds / decisions, [0.05, 0.5, 0.95])
    return {
        "us": round(float(middle), 2),
        "us_low": round(float(low), 2),
        "us_high": round(float(high), 2),
        "exponent": exponent(decisions, 1e6 * seconds),
        "longest": int(decisions.max()),
        "arrived": round(float(arrived.mean()), 4),
    }
