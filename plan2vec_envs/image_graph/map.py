"""The map of a world that people look at; agents never see it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .record import WorldGraph

SIZE = 512
_GROUND, _STREET, _PATH = (246, 244, 239), (176, 180, 188), (240, 170, 60)
_AGENT, _GOAL = (31, 119, 220), (222, 51, 51)


def draw_map(world: WorldGraph, path: Sequence[int], goal: int) -> np.ndarray:
    """Streets, the path driven (orange), the agent at its end (blue) and the goal (red).

    Args:
        world: with at least one place.
        path: places driven through, the last one is where the agent is.
        goal: place.

    Returns:
        (512, 512, 3) uint8 RGB, north up.
    """
    low, high = world.oracle_position.min(0), world.oracle_position.max(0)
    scale = 0.92 * SIZE / max(*(high - low), 1.0)
    middle = (low + high) / 2
    to_pixel = np.array([scale, -scale])
    # Sixteenths of a pixel, for smooth lines.
    pixels = np.rint(16 * ((world.oracle_position - middle) * to_pixel + SIZE / 2)).astype(np.int32)
    canvas = np.full((SIZE, SIZE, 3), _GROUND, np.uint8)
    width = int(np.clip(np.sqrt(scale * 8), 1, 5))
    cv2.polylines(canvas, list(pixels[world.links]), False, _STREET, width, cv2.LINE_AA, 4)
    if len(path) > 1:
        cv2.polylines(canvas, [pixels[np.asarray(path)]], False, _PATH, width + 1, cv2.LINE_AA, 4)
    for place, color in ((goal, _GOAL), (path[-1], _AGENT)):
        cv2.circle(canvas, pixels[place].tolist(), 16 * max(5, width + 2), color, -1, cv2.LINE_AA, 4)
    return canvas
