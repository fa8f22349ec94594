"""The graph over the room: what was recorded, what was found, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from data_collection import Dataset
from plan2vec_envs.geometry import STEP
from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.rooms import Room

from ..protocols.worlds import room_of
from .style import ACCENT, AGENT, GOAL, WARM, draw_room, figure, png

_LOOK = {
    "recorded": (AGENT, 0.35, 0.5),
    "found": (ACCENT, 0.3, 0.18),
    "bridge": (WARM, 1.6, 1.0),
    "wormhole": (GOAL, 1.2, 1.0),
}
"""Kind of an edge -> colour, width, opacity."""


def edge_kinds(agent: Any, dataset: Dataset) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(E, 2, 2) true positions of the ends of every edge in metres, and which (E,) of them are of each kind.

    Wormholes are found edges that truly take more than two steps. Bridges are long on purpose.
    """
    graph, room = agent.graph, room_of(str(dataset.env_id))
    source = np.repeat(np.arange(len(graph.indptr) - 1), np.diff(graph.indptr))
    position = np.asarray(dataset.oracle_position, np.float64)[agent.vertex_rows]
    ends = position[np.stack([source, graph.indices], 1)]
    a, b = ends[:, 0], ends[:, 1]
    # Through free space a straight edge takes max(|dx|, |dy|) / STEP steps; only blocked ones need the search.
    steps = np.abs(a - b).max(1) / STEP
    found = graph.inferred & ~graph.bridge
    hidden = np.flatnonzero(found & (steps <= 2) & room.segment_is_blocked(a, b))
    if hidden.size:
        steps[hidden] = GeodesicOracle(room).distance(a[hidden], b[hidden])
    wormhole = found & (steps > 2)
    kinds = {
        "recorded": ~graph.inferred & ~graph.bridge,
        "found": found & ~wormhole,
        "bridge": graph.bridge,
        "wormhole": wormhole,
    }
    return ends, kinds


def edges_figure(agent: Any, dataset: Dataset) -> tuple[bytes, dict[str, int]]:
    """Edges between true positions: recorded and found ones apart, bridges orange, wormholes red; and their counts."""
    ends, kinds = edge_kinds(agent, dataset)
    counts = {name: int(mask.sum()) for name, mask in kinds.items()}
    with figure(7.6, 3.9, 2) as (drawing, axes):
        room = room_of(str(dataset.env_id))
        draw_room(axes[0], room, f"{counts['recorded']:,} recorded edges")
        draw_room(axes[1], room, f"{counts['found']:,} found edges")
        for name, mask in kinds.items():
            _draw(axes[0 if name == "recorded" else 1], name, ends[mask])
        axes[1].set_xlabel(f"{counts['bridge']} bridges, {counts['wormhole']} wormholes")
        axes[0].set_xlabel(f"{len(agent.vertex_rows):,} frames")
        return png(drawing), counts


def sampled_edges_figure(panels: Sequence[tuple[Room, str, dict[str, np.ndarray]]]) -> bytes:
    """A panel a room: its note, and (K, 2, 2) ends of some edges of each kind; thicker than where all are drawn."""
    with figure(2.75 * len(panels), 3.1, len(panels)) as (drawing, axes):
        for axis, (room, note, ends) in zip(axes, panels, strict=True):
            draw_room(axis, room, room.title)
            for name, lines in ends.items():
                _draw(axis, name, lines, emphasis=2.4 if name in ("recorded", "found") else 1.2)
            axis.set_xlabel(note)
        return png(drawing)


def _draw(axes: Axes, kind: str, ends: np.ndarray, emphasis: float = 1.0) -> None:
    color, width, opacity = _LOOK[kind]
    lines = LineCollection(
        list(ends), colors=color, linewidths=emphasis * width, alpha=min(1.0, emphasis * opacity), label=kind
    )
    lines.set_zorder(2 if kind in ("recorded", "found") else 3)
    axes.add_collection(lines)
