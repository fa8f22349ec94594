"""How all figures look: one palette, one type size, PNG bytes at the end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from plan2vec_envs.geometry import ARENA_HALF, CENTRE_HALF
from plan2vec_envs.rooms import Room

EDGE = ARENA_HALF + 0.018  # metres, with the outer wall
INK, PAPER, QUIET = "#1d2433", "#ffffff", "#8a93a6"
FLOOR, WALL = "#f4f5f8", "#59637a"
AGENT, GOAL = "#1f6feb", "#e5484d"
ACCENT, WARM = "#0f9d8a", "#f0883e"
SERIES = (GOAL, WARM, ACCENT, "#8250df", INK, "#bf8700", "#cf6bb0", QUIET, "#7a4f2b", "#4d8c2b", "#3aa0c9")
"""Colours of curves, one after the other."""

_SETTINGS: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "font.family": "sans-serif",
    "font.size": 10,
}


@contextmanager
def figure(width: float, height: float, columns: int = 1, **options: Any) -> Iterator[tuple[Figure, np.ndarray]]:
    """A figure of one row in the project's style; see `grid`."""
    with grid(width, height, 1, columns, **options) as (drawing, axes):
        yield drawing, axes[0]


@contextmanager
def grid(width: float, height: float, rows: int, columns: int, **options: Any) -> Iterator[tuple[Figure, np.ndarray]]:
    """A figure with (rows, columns) axes in the project's style, which needs no display."""
    with rc_context(_SETTINGS):
        drawing = Figure(figsize=(width, height), layout="constrained")
        yield drawing, drawing.subplots(rows, columns, squeeze=False, **options)


def png(drawing: Figure) -> bytes:
    """PNG bytes of a figure."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def draw_room(axes: Axes, room: Room, title: str = "") -> None:
    """Walls and floor of a room, in metres, as they stand (not inflated by the agent)."""
    axes.add_patch(Rectangle((-EDGE, -EDGE), 2 * EDGE, 2 * EDGE, color=WALL, zorder=-2))
    axes.add_patch(Rectangle((-ARENA_HALF, -ARENA_HALF), 2 * ARENA_HALF, 2 * ARENA_HALF, color=FLOOR, zorder=-1))
    for wall in room.obstacles:
        corner = (wall.x - wall.half_x, wall.y - wall.half_y)
        axes.add_patch(Rectangle(corner, 2 * wall.half_x, 2 * wall.half_y, color=WALL, zorder=1.5))
    axes.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE))
    plain(axes, title)


def plain(axes: Axes, title: str = "") -> None:
    """Axes for a picture: no ticks, no frame, equal units."""
    axes.set(aspect="equal", xticks=[], yticks=[], title=title)
    for spine in axes.spines.values():
        spine.set_visible(False)


def position_colors(position: np.ndarray) -> np.ndarray:
    """(B, 2) metres -> (B, 3) colours in 0..1: hue follows the way round the room, lightness the north."""
    u, v = np.clip((np.asarray(position) / CENTRE_HALF + 1) / 2, 0, 1).T
    corners = np.array([[31, 60, 158], [0, 150, 136], [140, 30, 120], [250, 170, 30]]) / 255  # SW, SE, NW, NE
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v], 1)
    return weights @ corners
