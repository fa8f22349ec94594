"""Maps of streets: what a search looked at, and what an embedding makes of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from agents.graphs.graph import Graph
from plan2vec_envs.image_graph import WorldGraph

from ...figures.style import AGENT, GOAL, INK, QUIET, figure, plain, png

_STREET = "#d7dbe3"


def searched(
    graph: Graph, start: int, goal: int, estimate: Callable[[np.ndarray], np.ndarray] | None, *, add_cost: bool
) -> tuple[list[int], list[int]]:
    """One search, vertex by vertex, for a picture.

    Args:
        graph: V vertices.
        start: vertex.
        goal: vertex.
        estimate: vertices (K,) -> estimated distance to the goal; None for 0.
        add_cost: whether vertices are ordered by cost so far + estimate, or by the estimate alone.

    Returns:
        Vertices in the order in which they were expanded, and the plan from start to goal; empty if there is none.
    """
    h = estimate if estimate is not None else lambda vertices: np.zeros(len(vertices))
    cost, before, done, order = {start: 0.0}, {start: start}, set(), []
    queue = [(float(h(np.array([start]))[0]), start)]
    while queue:
        _, vertex = heapq.heappop(queue)
        if vertex in done:
            continue
        done.add(vertex)
        if vertex == goal:
            break
        order.append(vertex)
        row = slice(graph.indptr[vertex], graph.indptr[vertex + 1])
        ends = graph.indices[row]
        for end, weight, ahead in zip(ends.tolist(), graph.weights[row].tolist(), h(ends).tolist(), strict=True):
            way = cost[vertex] + weight
            if end not in done and way < cost.get(end, np.inf):
                if not add_cost and end in cost:
                    continue  # its place in the queue does not depend on the way to it
                cost[end], before[end] = way, vertex
                heapq.heappush(queue, (way + ahead if add_cost else ahead, end))
    if goal not in before:
        return order, []
    path = [goal]
    while path[-1] != start:
        path.append(before[path[-1]])
    return order, path[::-1]


def expansions_figure(world: WorldGraph, graph: Graph, table: np.ndarray, start: int, goal: int) -> bytes:
    """PNG of Dijkstra, A* along the straight line, and best-first by a table of latents, on one query (Fig. 8)."""
    position = world.oracle_position / world.median_length

    def line(vertices: np.ndarray) -> np.ndarray:
        return np.hypot(*(position[vertices] - position[goal]).T)

    def latents(vertices: np.ndarray) -> np.ndarray:
        return np.square(table[vertices] - table[goal]).sum(1)

    ways: list[tuple[str, Any, bool]] = [
        ("Dijkstra", None, True),
        ("A*, straight line", line, True),
        ("best-first, plan2vec", latents, False),
    ]
    with figure(11, 4.6, 3) as (drawing, axes):
        for axis, (title, estimate, add_cost) in zip(axes, ways, strict=True):
            expanded, path = searched(graph, start, goal, estimate, add_cost=add_cost)
            draw_streets(axis, world)
            axis.scatter(*world.oracle_position[expanded].T, s=3, color=QUIET, linewidths=0, zorder=2)
            axis.plot(*world.oracle_position[path].T, color=GOAL, linewidth=1.6, zorder=3)
            for place, color in ((start, AGENT), (goal, INK)):
                axis.scatter(*world.oracle_position[place], s=28, color=color, zorder=4)
            plain(axis, f"{title}: {len(expanded) / max(len(path) - 1, 1):.2f} a step")
        return png(drawing)


def draw_streets(axis: Any, world: WorldGraph) -> None:
    """All links, in metres, north up."""
    from matplotlib.collections import LineCollection

    ends = world.oracle_position[np.unique(np.sort(world.links, axis=1), axis=0)]
    axis.add_collection(LineCollection(list(ends), colors=_STREET, linewidths=0.8, zorder=1))
    axis.autoscale()


def quarters_figure(world: WorldGraph, quarters: np.ndarray) -> bytes:
    """PNG of the map with (N,) quarters 0 to 3 coloured; opposite ones alike."""
    with figure(4.6, 4.6) as (drawing, (axis,)):
        draw_streets(axis, world)
        for quarter, color in zip(range(4), (AGENT, GOAL, GOAL, AGENT), strict=True):
            marker = "o" if quarter < 2 else "^"
            axis.scatter(*world.oracle_position[quarters == quarter].T, s=7, marker=marker, color=color, linewidths=0)
        plain(axis)
        return png(drawing)
