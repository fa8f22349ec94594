"""The panorama's geometry: which directions its columns and rows see, and how much of a row a band covers."""

from __future__ import annotations

import numpy as np

SIZE = 64  # pixels a side
FRAME_SHAPE = (1, SIZE, SIZE)
COLUMNS = 2 * SIZE  # columns are drawn twice as fine and averaged; rows are covered exactly
CAMERA_HEIGHT = 2.5  # metres
TOP, BOTTOM = 90.0, -90.0  # degrees of elevation at the frame's edges

_edges = np.radians(np.linspace(TOP, BOTTOM, SIZE + 1).clip(-89, 89))
# Heights are compared as tangents of elevation: at distance r, height z has tangent (z - CAMERA_HEIGHT) / r.
EDGES = np.tan(_edges).astype(np.float32)[:, None]  # (S + 1, 1), falling
PER_ROW = (1 / (EDGES[:-1] - EDGES[1:])).astype(np.float32)  # (S, 1)
MIDDLES = np.tan((_edges[:-1] + _edges[1:]) / 2).astype(np.float32)[:, None]  # (S, 1)
COLUMN_ANGLE = 2 * np.pi / COLUMNS

_azimuth = (np.arange(COLUMNS) + 0.5 - SIZE) * COLUMN_ANGLE
_RIGHT, _AHEAD = np.sin(_azimuth).astype(np.float32), np.cos(_azimuth).astype(np.float32)


def directions(heading: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of the columns: (B, C) east and (B, C) north, for (B, 2) headings of the middle column."""
    east, north = heading[:, :1], heading[:, 1:]
    return east * _AHEAD + north * _RIGHT, north * _AHEAD - east * _RIGHT


def below(tangent: np.ndarray) -> np.ndarray:
    """How much of each pixel lies below an elevation.

    Args:
        tangent: (B, C) float32 tangent of the elevation in each column.

    Returns:
        (B, S, C) float32 in [0, 1].
    """
    # Between its edges a row is taken to be linear in the tangent.
    return np.clip((tangent[:, None] - EDGES[1:]) * PER_ROW, np.float32(0), np.float32(1))


def periodic_share(low: np.ndarray, high: np.ndarray, first: np.ndarray, width: np.ndarray | np.float32) -> np.ndarray:
    """How much of [low, high] is covered by pulses of a width that begin at first, first + 1, ...; all broadcast."""
    return (pulses(high - first, width) - pulses(low - first, width)) / np.maximum(high - low, np.float32(1e-6))


def pulses(x: np.ndarray, width: np.ndarray | np.float32) -> np.ndarray:
    """The integral up to x of a function that is 1 on [n, n + width] for every whole n, and else 0."""
    whole = np.floor(x)
    return whole * width + np.minimum(x - whole, width)
