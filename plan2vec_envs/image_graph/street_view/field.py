"""Where the streets are: how deep inside them a point lies, and what a ray from there hits.

A street is what is within ``HALF_WIDTH`` of a link. The depth of a point, ``HALF_WIDTH`` less its distance from
the nearest link, is 0 at the walls and never more than the free distance around the point, so rays can step by
it. It is linear but for creases, hence a raster of 1 m, read bilinearly, shows smooth walls.
"""

from __future__ import annotations

import numpy as np

from ...errors import WorldError
from ...io.files import readable_size
from ..record import WorldGraph

HALF_WIDTH = 9.0  # metres from the middle of a street to its walls
FAR = 150.0  # metres; where rays end that hit nothing
GRID = 4.0  # metres
MAX_RASTER_BYTES = 512 * 2**20  # 1 byte a square metre of the world's bounding box

_CELL = 1.0  # metres
_BEHIND = 1.0  # metres behind a wall that the raster tells apart
_LEVELS = 25.0  # levels a metre: (HALF_WIDTH + _BEHIND) * _LEVELS fits a byte
_MARGIN = HALF_WIDTH + _BEHIND + 6.0  # metres around the links; more than a ray can overshoot into a wall
_PIECE = 16.0  # metres; longer links are drawn in pieces, whose boxes are small
_STEPS = 30
_EAGER = 1.5  # rays that graze a wall would need many exact steps; what overshoots comes back


class StreetField:
    """The depth inside the streets of a world, as a raster.

    Attributes:
        origin: (2,) float64 metres east and north of the raster's first corner, whole multiples of GRID, so that a
            part of a world has the same cells; points are given from there.
        extent: metres east and north that points may have.
    """

    def __init__(self, world: WorldGraph) -> None:
        """Draw the links of a world.

        Raises:
            WorldError: if it has no links, or a box around them would need more than MAX_RASTER_BYTES.
        """
        if not world.num_links:
            raise WorldError(f"world {world.name!r} has no links, hence no streets to draw; need at least one link")
        low, high = world.oracle_position.min(0), world.oracle_position.max(0)
        self.origin = np.floor((low - _MARGIN) / GRID) * GRID
        columns, rows = (int(n) for n in np.ceil((high - self.origin + _MARGIN) / _CELL) + 1)
        if columns * rows > MAX_RASTER_BYTES:
            raise WorldError(
                f"world {world.name!r} spans {high[0] - low[0]:.0f} m x {high[1] - low[1]:.0f} m: drawing it needs "
                f"{readable_size(columns * rows)}, the limit is {readable_size(MAX_RASTER_BYTES)}. Draw a part of "
                "it (WorldGraph.take), or check that its positions are in metres"
            )
        self._raster = np.zeros((rows, columns), np.uint8)
        self._stride = columns
        for start, end in zip(*_pieces(world, self.origin), strict=True):
            self._draw(start, end)
        self._flat = self._raster.reshape(-1)
        self.extent = np.float32((columns - 2) * _CELL), np.float32((rows - 2) * _CELL)

    def _draw(self, start: np.ndarray, end: np.ndarray) -> None:
        """Raise the raster to the depth below one piece of a street."""
        reach = HALF_WIDTH + _BEHIND
        first = np.floor((np.minimum(start, end) - reach) / _CELL).astype(int)
        last = np.ceil((np.maximum(start, end) + reach) / _CELL).astype(int) + 1
        x = np.arange(first[0], last[0]) * _CELL - start[0]
        y = (np.arange(first[1], last[1]) * _CELL - start[1])[:, None]
        along = end - start
        share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-12), 0, 1)
        depth = HALF_WIDTH - np.sqrt((x - share * along[0]) ** 2 + (y - share * along[1]) ** 2)
        levels = np.rint(np.maximum(depth + _BEHIND, 0) * _LEVELS).astype(np.uint8)
        box = self._raster[first[1] : last[1], first[0] : last[0]]
        np.maximum(box, levels, out=box)

    def depth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Metres inside the streets: 9 in the middle, 0 at a wall, -1 from a metre behind it on.

        Args:
            x: (...) float32 metres east of the origin, within the raster.
            y: (...) float32 metres north.

        Returns:
            (...) float32.
        """
        (a, b, c, d), fx, _, fy, _ = self._corners(x, y)
        low = a + (b - a) * fx
        return (low + (c + (d - c) * fx - low) * fy) * np.float32(1 / _LEVELS) - np.float32(_BEHIND)

    def normal(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors from a wall into the street: (...) east and (...) north, float32."""
        (a, b, c, d), fx, gx, fy, gy = self._corners(x, y)
        east = (b - a) * gy + (d - c) * fy
        north = (c - a) * gx + (d - b) * fx
        scale = np.float32(1) / np.maximum(np.sqrt(east * east + north * north), np.float32(1e-3))
        return east * scale, north * scale

    def _corners(self, x: np.ndarray, y: np.ndarray) -> tuple:
        """The four cells around points, and the points' shares between them."""
        x, y = x * np.float32(1 / _CELL), y * np.float32(1 / _CELL)
        column, row = x.astype(np.int32), y.astype(np.int32)
        fx, fy = x - column, y - row
        first = row * np.int32(self._stride) + column
        cells = (first, first + 1, first + self._stride, first + self._stride + 1)
        values = tuple(self._flat.take(cell, mode="clip").astype(np.float32) for cell in cells)
        fx, fy = fx.astype(np.float32), fy.astype(np.float32)
        return values, fx, 1 - fx, fy, 1 - fy

    def cast(self, x: np.ndarray, y: np.ndarray, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """How far rays go until they hit a wall.

        Args:
            x: (B, 1) float32 metres, where they start, inside of a street.
            y: (B, 1).
            east: (B, C) float32, their unit directions.
            north: (B, C).

        Returns:
            (B, C) float32 metres, up to FAR.
        """
        length = np.zeros_like(east)
        for step in range(_STEPS):
            ahead = self.depth(x + length * east, y + length * north)
            length = length + ahead * np.float32(_EAGER if step < _STEPS - 2 else 1.0)
            length = np.clip(length, np.float32(0.5), np.float32(FAR))
        return length


def _pieces(world: WorldGraph, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, 2) starts and ends, at most _PIECE long, of all links, each direction once; a yard for a lonely place."""
    lonely = np.setdiff1d(np.arange(world.num_places), world.links)
    links = np.unique(np.sort(world.links, axis=1), axis=0)
    links = np.concatenate([links, np.stack([lonely, lonely], 1)])
    start, end = world.oracle_position[links[:, 0]] - origin, world.oracle_position[links[:, 1]] - origin
    count = np.maximum(np.ceil(np.hypot(*(end - start).T) / _PIECE).astype(int), 1)
    link = np.repeat(np.arange(len(links)), count)
    part = np.arange(len(link)) - np.repeat(np.cumsum(count) - count, count)
    step = ((end - start) / count[:, None])[link]
    first = start[link] + part[:, None] * step
    return first, first + step
