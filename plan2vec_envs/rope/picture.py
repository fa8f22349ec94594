"""Pictures of the rope: the grey ones that agents see, and a large one in colour for people."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np

from .shape import NODES, PEG_RADIUS, PEGS, ROPE_RADIUS, SIZE

FRAME_SHAPE = (1, SIZE, SIZE)
FLOOR, PEG, TETHER_GREY, TIP_GREY = 0, 96, 128, 255
_FINER = 4  # frames are drawn so many times larger and averaged down, for edges that move smoothly
_TIP_RADIUS = 1.75  # pixels, of the mark at the tip
_SHIFT = 6  # binary places of coordinates
PICTURE_SIZE = 512
_PAPER, _PEG, _ROPE, _TIP, _GOAL = (246, 244, 239), (74, 80, 92), (31, 119, 220), (10, 40, 90), (240, 178, 172)
_GOAL_TIP, _HAND = (222, 51, 51), (250, 160, 40)


def draw_frames(nodes: np.ndarray, ordered: bool = True) -> np.ndarray:
    """What an agent sees of configurations.

    Args:
        nodes: (B, 22, 2) pixels.
        ordered: the rope is grey at the tether, gets brighter and ends in a knot; else it is white all along, and where
            it lies over itself one cannot tell which end is which.

    Returns:
        (B, 1, 64, 64) uint8, a fresh array: floor 0, pegs 96, rope 128 to 255.
    """
    frames = np.empty((len(nodes), *FRAME_SHAPE), np.uint8)
    for frame, line in zip(frames, _fixed_point(nodes, _FINER), strict=True):
        canvas = _pegs().copy()
        _draw_rope(canvas, line, _greys() if ordered else [TIP_GREY], _FINER)
        if ordered:
            _draw_disc(canvas, line[-1], _TIP_RADIUS * _FINER, TIP_GREY)
        frame[0] = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return frames


def draw_picture(nodes: np.ndarray, goal: np.ndarray, hand: np.ndarray | None = None) -> np.ndarray:
    """The rope (blue, its tip dark), the goal faintly behind it (red), and the last drag (orange).

    Args:
        nodes: (22, 2) pixels of the 64x64 picture.
        goal: the same.
        hand: (2, 2) from where to where the last drag went; None for none.

    Returns:
        (512, 512, 3) uint8 RGB, a fresh array.
    """
    scale = PICTURE_SIZE // SIZE
    canvas = np.full((PICTURE_SIZE, PICTURE_SIZE, 3), _PAPER, np.uint8)
    for peg in _fixed_point(np.array(PEGS), scale):
        _draw_disc(canvas, peg, PEG_RADIUS * scale, _PEG)
    for line, color, tip in ((goal, _GOAL, _GOAL_TIP), (nodes, _ROPE, _TIP)):
        places = _fixed_point(line, scale)
        _draw_rope(canvas, places, [color], scale)
        _draw_disc(canvas, places[-1], 1.5 * ROPE_RADIUS * scale, tip)
    if hand is not None:
        start, end = _fixed_point(hand, scale)
        cv2.line(canvas, start.tolist(), end.tolist(), _HAND, 4, cv2.LINE_AA, _SHIFT)
        _draw_disc(canvas, end, ROPE_RADIUS * scale, _HAND)
    return canvas


def _draw_rope(canvas: np.ndarray, line: np.ndarray, colors: list[Any], scale: int) -> None:
    """One polyline in one colour, or one a link."""
    thickness = int(2 * ROPE_RADIUS * scale) - 3  # OpenCV's soft edges add the rest
    parts = [line] if len(colors) == 1 else [line[i : i + 2] for i in range(len(colors))]
    for part, color in zip(parts, colors, strict=True):
        cv2.polylines(canvas, [part], False, color, thickness, cv2.LINE_AA, _SHIFT)


def _draw_disc(canvas: np.ndarray, centre: np.ndarray, radius: float, color: Any) -> None:
    cv2.circle(canvas, centre.tolist(), round(radius * 2**_SHIFT), color, -1, cv2.LINE_AA, _SHIFT)


def _fixed_point(places: np.ndarray, scale: int) -> np.ndarray:
    """Places of the 64x64 picture in the units of OpenCV, whose pixel i has its centre at i."""
    return np.rint((np.asarray(places, np.float64) * scale - 0.5) * 2**_SHIFT).astype(np.int32)


@functools.cache
def _greys() -> list[int]:
    """One a link, from tether to tip."""
    return np.rint(np.linspace(TETHER_GREY, TIP_GREY, NODES - 1)).astype(int).tolist()


@functools.cache
def _pegs() -> np.ndarray:
    canvas = np.full((SIZE * _FINER, SIZE * _FINER), FLOOR, np.uint8)
    for peg in _fixed_point(np.array(PEGS), _FINER):
        _draw_disc(canvas, peg, PEG_RADIUS * _FINER, PEG)
    return canvas
