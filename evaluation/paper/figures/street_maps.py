"""Streets as an embedding sees them: the links between places, drawn where their latents lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from plan2vec_envs.image_graph import WorldGraph

from ...figures.style import PAPER, figure, plain, png, position_colors
from .streets import draw_streets


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
        side.line.set_color("#d7dbe3")
