"""Maps of streets: what a search looked at, and what an embedding makes of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from agents.graphs.graph import Graph
from agents.graphs.search import PlanBatch, a_star, best_first, dijkstra
from plan2vec_envs.image_graph import WorldGraph

from ...figures.style import AGENT, GOAL, INK, QUIET, figure, plain, png
from ..streets.street_planners import by_table, straight_line

_STREET = "#d7dbe3"


def expansions_figure(world: WorldGraph, graph: Graph, table: np.ndarray, start: int, goal: int) -> bytes:
    """PNG of Dijkstra, A* along the straight line, and best-first by a table of latents, on one query (Fig. 8)."""
    ways: list[tuple[str, Callable[..., PlanBatch]]] = [
        ("Dijkstra", dijkstra),
        ("A*, straight line", partial(a_star, heuristic=straight_line(world))),
        ("best-first, plan2vec", partial(best_first, heuristic=by_table(table))),
    ]
    with figure(11, 4.6, 3) as (drawing, axes):
        for axis, (title, search) in zip(axes, ways, strict=True):
            record: list[np.ndarray] = []
            (path,) = search(graph, np.array([start]), np.array([goal]), record=record).vertices
            draw_streets(axis, world)
            axis.scatter(
                *world.oracle_position[np.array(record, np.int64).ravel()].T, s=3, color=QUIET, linewidths=0, zorder=2
            )
            axis.plot(*world.oracle_position[path].T, color=GOAL, linewidth=1.6, zorder=3)
            for place, color in ((start, AGENT), (goal, INK)):
                axis.scatter(*world.oracle_position[place], s=28, color=color, zorder=4)
            plain(axis, f"{title}: {len(record) / max(len(path) - 1, 1):.2f} a step")
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
