"""What stands along the kerb and stays there: trees and parked cars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..record import WorldGraph
from .dice import LOOK, uniform
from .field import HALF_WIDTH, StreetField

SIDEWALK = 3.5  # metres from a wall to the kerb
_SLOT = 7.0  # metres of street per tree and per parked car, on each side, if there is one
_SHARE = {"tree": 0.5, "car": 0.65}  # of the slots
_DEPTH = {"tree": 2.6, "car": 4.6}  # metres from the wall
_REACH = 45.0  # metres around a place
_NEAREST = 20  # of each kind


@dataclass(frozen=True, eq=False)
class Things:
    """Things of one kind around B places, n each; where there are fewer, ``present`` is False.

    Attributes:
        x: (B, n) float32 metres east of the field's origin.
        y: (B, n) metres north.
        axis: (B, n, 2) float32, unit vector along the street.
        size, grey: (B, n) float32 in [0, 1): what they look like.
        present: (B, n) bool.
    """

    x: np.ndarray
    y: np.ndarray
    axis: np.ndarray
    size: np.ndarray
    grey: np.ndarray
    present: np.ndarray

    def joined(self, other: Things) -> Things:
        """These and others around the same places."""
        names = self.__dataclass_fields__
        return Things(*(np.concatenate([getattr(self, n), getattr(other, n)], 1) for n in names))


class Kerb:
    """All things of one kind in a city, and which of them are near a place."""

    def __init__(self, world: WorldGraph, field: StreetField, kind: str) -> None:
        """Place them by hashes of where their links are, so that a part of a city looks like the whole.

        Args:
            world: whose streets they line.
            field: depth in these streets.
            kind: "tree" or "car".
        """
        links = np.unique(np.sort(world.links, axis=1), axis=0)
        start, end = world.oracle_position[links[:, 0]], world.oracle_position[links[:, 1]]
        swap = (start > end)[:, 0]  # the same direction however the places are numbered
        start[swap], end[swap] = end[swap], start[swap]
        length = np.hypot(*(end - start).T)
        key = np.rint((start + end) * 5).astype(np.int64)  # decimetres
        stream = 1000 if kind == "tree" else 2000
        count = np.floor(length / _SLOT + uniform(key[:, 0], key[:, 1], LOOK, stream)).astype(int)
        link = np.repeat(np.arange(len(links)), count)
        slot = np.arange(len(link)) - np.repeat(np.cumsum(count) - count, count)
        link, slot, side = np.repeat(link, 2), np.repeat(slot, 2), np.tile([-1, 1], len(link))

        def draw(number: int) -> np.ndarray:
            return uniform(key[link, 0], key[link, 1], LOOK, stream + number, slot * 2 + (side > 0))

        axis = (end - start)[link] / np.maximum(length[link], 1e-9)[:, None]
        share = (slot + 0.2 + 0.6 * draw(1)) / np.maximum(count[link], 1)
        across = np.stack([axis[:, 1], -axis[:, 0]], 1) * (side * (HALF_WIDTH - _DEPTH[kind]))[:, None]
        position = start[link] + (end - start)[link] * share[:, None] + across - field.origin
        depth = field.depth(*position.T.astype(np.float32))
        # Deeper than meant is inside of another street: the middle of a crossing.
        kept = (draw(2) < _SHARE[kind]) & (np.abs(depth - _DEPTH[kind]) < 0.7)
        self._origin = field.origin
        self._position = np.append(position[kept], [[0, 0]], 0).astype(np.float32)  # the last stands for nothing
        self._axis = np.append(axis[kept], [[1, 0]], 0).astype(np.float32)
        self._size, self._grey = (np.append(draw(n)[kept], np.float32(0)) for n in (3, 4))
        self._tree = cKDTree(position[kept]) if kept.any() else None

    def near(self, position: np.ndarray) -> Things:
        """The nearest things within 45 m of places.

        Args:
            position: (B, 2) float64 metres, as in the world.
        """
        missing = len(self._position) - 1
        if self._tree is None:
            found = np.full((len(position), 1), missing)
        else:
            found = self._tree.query(position - self._origin, _NEAREST, distance_upper_bound=_REACH)[1]
        x, y = self._position[found, 0], self._position[found, 1]
        return Things(x, y, self._axis[found], self._size[found], self._grey[found], found < missing)
