"""What the agent believes about the whole room: D to one goal, beside the truth (the paper's Fig. 10e)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.maze.render import Renderer
from plan2vec_envs.rooms import Room

from .lattice import Lattice
from .style import GOAL, INK, draw_room, figure, grid, png


@dataclass(frozen=True)
class ValueMap:
    """D from everywhere in a room to one goal.

    Attributes:
        lattice: where it was asked.
        goal: metres.
        learned: (F,) D at the free points of the lattice, in steps.
    """

    lattice: Lattice
    goal: tuple[float, float]
    learned: np.ndarray

    @property
    def true(self) -> np.ndarray:
        """(F,) true geodesic distance, in steps."""
        return GeodesicOracle(self.lattice.room).distance(self.lattice.positions, np.array(self.goal))

    @property
    def correlation(self) -> float:
        """Pearson's, of learned and true."""
        return float(np.corrcoef(self.learned, self.true)[0, 1])


def value_map(agent: Any, room: Room, goal: tuple[float, float], *, cells: int = 61) -> ValueMap:
    """Asks an agent for D to a goal from everywhere in a room."""
    lattice = Lattice(room, cells)
    frames = lattice.frames()
    target = np.broadcast_to(Renderer(room).frames(np.array([goal])), frames.shape)
    return ValueMap(lattice, goal, np.asarray(agent.distance(frames, np.ascontiguousarray(target)), np.float64))


def value_map_figure(agent: Any, room: Room, *, cells: int = 61) -> bytes:
    """D to `hidden_goal` for an agent anywhere in the room, and the true geodesic distance on the same scale."""
    shown = value_map(agent, room, hidden_goal(room), cells=cells)
    top = _top(shown)
    with figure(7.6, 3.6, 2) as (drawing, axes):
        for panel, values, title in zip(axes, (shown.learned, shown.true), ("learned D", "true geodesic"), strict=True):
            filled = _draw(panel, shown, values, top, title)
        drawing.colorbar(filled, ax=axes, label="steps to the goal", shrink=0.85, aspect=25)
        return png(drawing)


def value_maps_figure(maps: Sequence[ValueMap]) -> bytes:
    """A column a map: learned above, true below, all on one scale."""
    top = max(map(_top, maps))
    with grid(2.1 * len(maps) + 0.8, 4.6, 2, len(maps)) as (drawing, axes):
        for column, shown in zip(axes.T, maps, strict=True):
            filled = _draw(column[0], shown, shown.learned, top, shown.lattice.room.title)
            _draw(column[1], shown, shown.true, top, "")
        for panel, name in zip(axes[:, 0], ("learned D", "true geodesic"), strict=True):
            panel.set_ylabel(name, fontweight="bold")
        drawing.colorbar(filled, ax=axes, label="steps to the goal", shrink=0.7, aspect=30)
        return png(drawing)


def hidden_goal(room: Room) -> tuple[float, float]:
    """The goal of the room's first named task."""
    return next(iter(room.tasks.values()))[1]


def _top(shown: ValueMap) -> float:
    return float(max(shown.learned.max(), shown.true.max()))


def _draw(axes: Axes, shown: ValueMap, values: np.ndarray, top: float, title: str) -> Any:
    lattice = shown.lattice
    draw_room(axes, lattice.room, title)
    axis, surface = lattice.axis, lattice.spread(values)
    filled = axes.contourf(axis, axis, surface, levels=np.arange(0, top + 1, 1), cmap="viridis_r")
    axes.contour(axis, axis, surface, levels=np.arange(0, top + 4, 4), colors=INK, linewidths=0.6, alpha=0.7)
    axes.plot(*shown.goal, marker="*", color=GOAL, markersize=15, markeredgecolor="white", zorder=3)
    return filled
