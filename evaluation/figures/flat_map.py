"""Questions that evaluation asks a learned metric, with ground truth in hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.maze.render import Renderer
from plan2vec_envs.rooms import Room, get_room


@dataclass(frozen=True)
class CorridorRatio:
    """How much farther the two sides of the C-Maze's wall are than equally near points in the open.

    Attributes:
        learned: ratio of mean learned distances, across / open.
        geodesic: the same ratio of true geodesic distances.
    """

    learned: float
    geodesic: float


SEPARATION = 0.19
"""Metres between the two points of a pair: just enough to stand on both sides of the wall (.09 + .09)."""


def corridor_pairs(room: Room) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points `SEPARATION` apart along an axis: across the wall at its closed end, and in the open.

    Across: (x, +.095) and (x, -.095) for five x in the westmost 4 cm of the two corridors.
    Open: every pair on a 1 cm grid, horizontal or vertical, whose straight line is free.

    Returns:
        (A, 2, 2) pairs across and (O, 2, 2) pairs in the open, metres.
    """
    half = SEPARATION / 2
    x = np.linspace(-0.24, -0.20, 5)
    across = np.stack([np.stack([x, np.full(5, half)], 1), np.stack([x, np.full(5, -half)], 1)], 1)
    axis = np.arange(-0.235, 0.2351, 0.01)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    pairs = np.concatenate([np.stack([grid, grid + shift], 1) for shift in ((SEPARATION, 0.0), (0.0, SEPARATION))])
    inside = room.is_free(pairs[:, 0]) & room.is_free(pairs[:, 1])
    pairs = pairs[inside]
    return across, pairs[~room.segment_is_blocked(pairs[:, 0], pairs[:, 1])]


def corridor_ratio(agent: Any, room: Room | str = "c_maze") -> CorridorRatio:
    """Mean D across the wall at its closed end / mean D of equally near pairs in the open; see `corridor_pairs`.

    A metric that only sees how alike two frames look gives about 1; the true geodesic ratio is about 5.
    """
    room = get_room(room) if isinstance(room, str) else room
    across, free = corridor_pairs(room)
    renderer, oracle = Renderer(room), GeodesicOracle(room)

    def learned(pairs: np.ndarray) -> float:
        return float(np.mean(agent.distance(renderer.frames(pairs[:, 0]), renderer.frames(pairs[:, 1]))))

    def true(pairs: np.ndarray) -> float:
        return float(np.mean(oracle.distance(pairs[:, 0], pairs[:, 1])))

    open_sample = free[:: max(1, len(free) // 64)]
    return CorridorRatio(learned(across) / learned(open_sample), true(across) / true(open_sample))
