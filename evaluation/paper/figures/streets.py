"""Maps of streets: what a search looked at, and what an embedding makes of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from agents.graphs.graph import Graph
from agents.graphs.search import PlanBatch, a_star, best_first, dijkstra
from plan2vec_envs.image_graph import WorldGraph

from ...figures.style import AGENT, GOAL, INK, PAPER, QUIET, figure, plain, png, position_colors
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


def latent_map_figure(world: WorldGraph, latents: np.ndarray) -> bytes:
    """PNG of the true map beside the links in the plane (N, 2) or space (N, 3) of the latents, coloured alike.

    Colours go by true position.
    """
    colours = place_colours(world.oracle_position)
    ends = np.unique(np.sort(world.links, axis=1), axis=0)
    with figure(9.2, 4.6, 2) as (drawing, (left, right)):
        draw_streets(left, world)
        left.scatter(*world.oracle_position.T, s=7, c=colours, linewidths=0, zorder=2)
        plain(left, "streets")
        if latents.shape[1] == 3:
            right = _in_space(drawing, right)
        _draw_latents(right, latents, ends, colours)
        return png(drawing)


def place_colours(position: np.ndarray) -> np.ndarray:
    """(N, 2) positions -> (N, 3) colours in 0..1, those of a room stretched over the map."""
    from plan2vec_envs.geometry import CENTRE_HALF

    low, high = position.min(0), position.max(0)
    return position_colors((2 * (position - low) / np.maximum(high - low, 1e-9) - 1) * CENTRE_HALF)


def _in_space(drawing: Any, axis: Any) -> Any:
    place = axis.get_subplotspec()
    axis.remove()
    return drawing.add_subplot(place, projection="3d", computed_zorder=False)


def _draw_latents(axis: Any, latents: np.ndarray, ends: np.ndarray, colours: np.ndarray) -> None:
    from matplotlib.collections import LineCollection
    from mpl_toolkits.mplot3d.art3d import Line3DCollection  # type: ignore[import-untyped]

    flat = latents.shape[1] == 2
    lines = LineCollection if flat else Line3DCollection
    axis.add_collection(lines(list(latents[ends]), colors="#b9c0cd", linewidths=0.8, zorder=1))
    axis.scatter(*latents.T, s=7, c=colours, linewidths=0, zorder=2, **({} if flat else {"depthshade": False}))
    if flat:
        plain(axis, "latents")
        return
    axis.set_title("latents", y=1.06)
    axis.set_facecolor(PAPER)
    axis.grid(False)
    for side in (axis.xaxis, axis.yaxis, axis.zaxis):
        side.set_ticks([])
        side.pane.fill = False
        side.line.set_color(_STREET)
