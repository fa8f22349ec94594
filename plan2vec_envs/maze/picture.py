"""The colour picture of a room that people look at; agents never see it."""

from __future__ import annotations

import functools

import numpy as np

from ..geometry import AGENT_HALF, Rect, Room
from .render import VIEW_HALF, rect_coverage, walls_coverage

PICTURE_SIZE = 320  # pixels a side
GOAL_RADIUS = 0.03  # metres, drawn larger than the success radius
_FLOOR, _WALL = (246, 244, 239), (74, 80, 92)
_AGENT, _GOAL = (31, 119, 220), (222, 51, 51)


def picture(room: Room, agent: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Draw a room with its agent (blue square) and goal (red disc).

    Args:
        room: what to draw.
        agent: (2,) metres.
        goal: (2,) metres.

    Returns:
        (320, 320, 3) uint8 RGB, a fresh array, north up.
    """
    canvas = _empty(room).copy()
    _paint(canvas, _disc_coverage(float(goal[0]), float(goal[1])), _GOAL)
    square = Rect(float(agent[0]), float(agent[1]), AGENT_HALF, AGENT_HALF)
    # The goal stays visible under the agent.
    _paint(canvas, 0.85 * rect_coverage(square, PICTURE_SIZE), _AGENT)
    return np.rint(canvas).astype(np.uint8)


@functools.lru_cache(maxsize=16)
def _empty(room: Room) -> np.ndarray:
    canvas = np.full((PICTURE_SIZE, PICTURE_SIZE, 3), _FLOOR, dtype=np.float64)
    _paint(canvas, walls_coverage(room, PICTURE_SIZE), _WALL)
    return canvas


def _paint(canvas: np.ndarray, share: np.ndarray, colour: tuple[int, int, int]) -> None:
    canvas += share[..., None] * (np.array(colour) - canvas)


def _disc_coverage(x: float, y: float) -> np.ndarray:
    pixel = 2 * VIEW_HALF / PICTURE_SIZE
    centres = (np.arange(PICTURE_SIZE) + 0.5) * pixel - VIEW_HALF
    distance = np.hypot(centres - x, (-centres - y)[:, None])
    return np.clip((GOAL_RADIUS - distance) / pixel + 0.5, 0.0, 1.0)
