"""Worlds of recorded frames: every frame is a place, and recorded moves lead from one to the next and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import WorldError
from .record import WorldGraph


def world_of_frames(
    name: str,
    frames: np.ndarray,
    episode_lengths: np.ndarray,
    edges: np.ndarray | None = None,
    *,
    move_lengths: np.ndarray | None = None,
    oracle_position: np.ndarray | None = None,
    about: Mapping[str, Any] | None = None,
) -> WorldGraph:
    """A world in which one hops from frame to frame: place v is row v, and shows it.

    Links are the recorded moves, in both directions, and the edges that are given; none leads from the end of one
    trajectory to the start of the next. There is no compass, so headings are NaN and yaw is 0. ``about["positions"]``
    says what ``oracle_position`` is: "recorded", or a "layout" for drawing only, in which each trajectory is one line
    from left to right, a unit a frame, the first at the top.

    Args:
        name: of the world.
        frames: (N, C, H, W) uint8, trajectories end to end.
        episode_lengths: (K,) moves of each, so that N is their sum and K.
        edges: (E, 2) from and to, rows of frames; found by a learned metric, say. Each is 1 long and leads in its own
            direction only. One that is given twice counts once, one that was recorded changes nothing.
        move_lengths: (M,) of the recorded moves, in any unit, above 0; 1 each by default.
        oracle_position: (N, 2) in any unit, where it is known, x to the right and y up; for evaluation and drawing.
        about: more to say about it, plain JSON.

    Returns:
        The world, with place ids 'trajectory/frame'.

    Raises:
        WorldError: if frames, lengths and edges make no world.
    """
    counts = np.asarray(episode_lengths) + 1
    rows = len(frames)
    if counts.ndim != 1 or not np.issubdtype(counts.dtype, np.integer) or (counts < 1).any() or counts.sum() != rows:
        raise WorldError(
            f"episode_lengths of world {name!r} stand for {int(counts.sum())} frames, and there are {rows}; need (K,) "
            "numbers of moves >= 0, one fewer than frames in each trajectory"
        )
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    frame = np.arange(rows) - starts  # (N,) within its trajectory
    before = np.flatnonzero(np.append(frame[1:] > 0, False))
    moves = np.stack([before, before + 1], 1)
    found = _checked_edges(name, edges, rows)
    links = np.concatenate([moves, moves[:, ::-1], found])
    steps = np.ones(len(moves)) if move_lengths is None else np.asarray(move_lengths, np.float64)
    if steps.shape != (len(moves),):
        raise WorldError(f"move_lengths of world {name!r} have shape {steps.shape}; need ({len(moves)},)")
    bad = np.flatnonzero(~((steps > 0) & np.isfinite(steps)))
    if len(bad):
        raise WorldError(
            f"move_lengths of world {name!r} hold {steps[bad[0]]} in row {bad[0]}; need finite numbers above 0"
        )
    lengths = np.concatenate([steps, steps, np.ones(len(found))])
    first = np.unique(links @ [rows, 1], return_index=True)[1]
    episode = np.repeat(np.arange(len(counts)), counts)
    layout = np.stack([frame, -episode * max(1.0, counts.max() / len(counts))], 1)  # about square
    said = {
        "source": "frames",
        "trajectories": len(counts),
        "recorded_moves": len(moves),
        "found_links": len(first) - 2 * len(moves),
        "positions": "layout" if oracle_position is None else "recorded",
    }
    return WorldGraph.from_links(
        name,
        links[first],
        layout if oracle_position is None else oracle_position,
        lengths=lengths[first],
        headings=np.full(len(first), np.nan),
        place_ids=[f"{e}/{f}" for e, f in zip(episode.tolist(), frame.tolist(), strict=True)],
        views=frames,
        view_places=np.arange(rows),
        about={**said, **(about or {})},
    )


def _checked_edges(name: str, edges: np.ndarray | None, rows: int) -> np.ndarray:
    found = np.zeros((0, 2), np.int64) if edges is None else np.asarray(edges)
    if found.size == 0:
        return np.zeros((0, 2), np.int64)
    if found.ndim != 2 or found.shape[1] != 2 or not np.issubdtype(found.dtype, np.integer):
        raise WorldError(
            f"edges of world {name!r} have shape {found.shape} and dtype {found.dtype}; need (E, 2) integers"
        )
    bad = np.flatnonzero((found < 0).any(1) | (found >= rows).any(1) | (found[:, 0] == found[:, 1]))
    if len(bad):
        raise WorldError(
            f"edge {bad[0]} of world {name!r} leads from {found[bad[0], 0]} to {found[bad[0], 1]}; need two different "
            f"rows of 0 to {rows - 1}"
        )
    return found.astype(np.int64)
