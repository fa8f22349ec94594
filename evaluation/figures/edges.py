"""The graph over the room: what was recorded, what was found, what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_collection import Dataset

from ..embedding import edge_faults
from ..worlds import room_of
from .style import ACCENT, AGENT, GOAL, WARM, draw_room, figure, png


def edges_figure(agent: Any, dataset: Dataset) -> tuple[bytes, dict[str, int]]:
    """Edges between true positions: recorded and found ones apart, bridges orange, wormholes red; and their counts."""
    from matplotlib.collections import LineCollection

    edges, wormhole = edge_faults(agent, dataset)
    position = np.asarray(dataset.oracle_position, np.float64)[agent.vertex_rows]
    graph = agent.graph
    found = graph.inferred & ~graph.bridge & ~wormhole
    kinds = {
        "recorded": (~graph.inferred & ~graph.bridge, AGENT, 0.35, 0.5),
        "found": (found, ACCENT, 0.3, 0.18),
        "bridge": (graph.bridge, WARM, 1.6, 1.0),
        "wormhole": (wormhole, GOAL, 1.2, 1.0),
    }
    counts = {name: int(mask.sum()) for name, (mask, *_) in kinds.items()}
    with figure(7.6, 3.9, 2) as (drawing, axes):
        room = room_of(str(dataset.env_id))
        draw_room(axes[0], room, f"{counts['recorded']:,} recorded edges")
        draw_room(axes[1], room, f"{counts['found']:,} found edges")
        for name, (mask, color, width, alpha) in kinds.items():
            panel = axes[0 if name == "recorded" else 1]
            lines = LineCollection(position[edges[mask]], colors=color, linewidths=width, alpha=alpha, label=name)
            lines.set_zorder(2 if name in ("recorded", "found") else 3)
            panel.add_collection(lines)
        note = f"{counts['bridge']} bridges, {counts['wormhole']} wormholes"
        axes[1].set_xlabel(note)
        axes[0].set_xlabel(f"{len(position):,} frames")
        return png(drawing), counts
