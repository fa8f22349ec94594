"""A walk on the graph, step by step: where it was, what it could choose, what it chose (the paper's Fig. 10d)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plan2vec_envs.rooms import Room

from ...figures.style import AGENT, GOAL, INK, draw_room, grid, png

_PANELS = 8


@dataclass(frozen=True)
class Step:
    """One decision.

    Attributes:
        here: (2,) true position, metres.
        near: (K, 2) positions of the vertices one edge away.
        chosen: (2,) position of the one of them that has the least D to the goal.
    """

    here: np.ndarray
    near: np.ndarray
    chosen: np.ndarray


def steps_figure(room: Room, steps: Sequence[Step], goal: np.ndarray) -> bytes:
    """Evenly spaced decisions of a walk, the last one always among them, four a row."""
    from matplotlib.patches import Circle

    shown = np.unique(np.linspace(0, len(steps) - 1, min(_PANELS, len(steps))).round().astype(int))
    rows = -(-len(shown) // 4)
    with grid(6.6, 1.85 * rows, rows, 4) as (drawing, axes):
        for axis in axes.ravel()[len(shown) :]:
            axis.set_axis_off()
        for axis, number in zip(axes.ravel(), shown, strict=False):
            step = steps[number]
            past = np.array([each.here for each in steps[: number + 1]])
            draw_room(axis, room, f"step {number + 1}")
            ring = {"fill": False, "edgecolor": INK, "linewidth": 1.4, "linestyle": "--", "zorder": 4}
            axis.add_patch(Circle((float(goal[0]), float(goal[1])), 0.028, **ring))
            axis.plot(*past.T, color="#9aa2b1", linewidth=1, zorder=2)
            axis.scatter(*past.T, s=9, color="#9aa2b1", linewidths=0, zorder=2)
            axis.scatter(*step.near.T, s=5, color=AGENT, alpha=0.8, linewidths=0, zorder=3)
            axis.scatter(*step.here, s=26, color="#6b7385", linewidths=0, zorder=5)
            axis.scatter(*step.chosen, s=26, color=GOAL, linewidths=0, zorder=6)
        return png(drawing)
