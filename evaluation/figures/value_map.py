"""What the agent believes about the whole room: D to one goal, beside the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from plan2vec_envs.geometry import CENTRE_HALF
from plan2vec_envs.rooms import Room

from .style import GOAL, INK, draw_room, figure, png


def value_map_figure(agent: Any, room: Room, goal: tuple[float, float] | None = None, *, cells: int = 61) -> bytes:
    """D(x, goal) for an agent anywhere in the room, and the true geodesic distance on the same scale."""
    from plan2vec_envs.geodesic import GeodesicOracle
    from plan2vec_envs.render import Renderer

    goal = goal or hidden_goal(room)
    axis = np.linspace(-CENTRE_HALF, CENTRE_HALF, cells)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    free = room.is_free(grid)
    renderer = Renderer(room)
    frames = renderer.frames(grid[free])
    target = np.broadcast_to(renderer.frames(np.array([goal])), frames.shape)
    learned, true = np.full(len(grid), np.nan), np.full(len(grid), np.nan)
    learned[free] = agent.distance(frames, np.ascontiguousarray(target))
    true[free] = GeodesicOracle(room).field(np.array(goal))(grid[free])
    top = float(np.nanmax([np.nanmax(learned), np.nanmax(true)]))
    levels = np.arange(0, top + 4, 4)
    with figure(7.6, 3.6, 2) as (drawing, axes):
        for panel, values, title in zip(axes, (learned, true), ("learned D", "true geodesic"), strict=True):
            draw_room(panel, room, title)
            surface = values.reshape(cells, cells)
            filled = panel.contourf(axis, axis, surface, levels=np.arange(0, top + 1, 1), cmap="viridis_r")
            panel.contour(axis, axis, surface, levels=levels, colors=INK, linewidths=0.6, alpha=0.7)
            panel.plot(*goal, marker="*", color=GOAL, markersize=15, markeredgecolor="white", zorder=3)
        drawing.colorbar(filled, ax=axes, label="steps to the goal", shrink=0.85, aspect=25)
        return png(drawing)


def hidden_goal(room: Room) -> tuple[float, float]:
    """The goal of the room's first named task."""
    return next(iter(room.tasks.values()))[1]
