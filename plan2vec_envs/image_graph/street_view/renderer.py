"""Panoramas of the places of any street graph, each a function of the city, the place and the view's number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InvalidOptionError
from ..record import WorldGraph
from .city import City, Eye
from .dice import LOOK, hashed
from .field import StreetField
from .kerb import SIDEWALK, Kerb, Things
from .lens import FRAME_SHAPE, SIZE, directions
from .nuisance import NUISANCE, Nuisance, car_draws, develop, pose_jitter, unit_vectors
from .things import paint_cars, paint_trees

# Goes up with every change that moves a pixel; stored views of another version are not used.
RENDERER_VERSION = 1
MAX_ID = 2**31 - 1  # of views

_AT_ONCE = 16  # views; the work on more would leave the processor's cache


class StreetRenderer:
    """Draws what a camera sees in the streets of a world.

    A view is the whole panorama, 360 x 180 degrees squashed to 64 x 64 greys, its middle column looking along
    the place's yaw. Streets are 18 m wide around the links; facades, trees and parked cars belong to the city;
    what ``Nuisance`` names belongs to the view. Positions are used for drawing only.
    """

    def __init__(self, world: WorldGraph, nuisance: Nuisance = NUISANCE) -> None:
        """Draw the map once.

        Args:
            world: places, links, positions in metres, yaws.
            nuisance: how views of one place differ. A part of a world looks as the whole does.

        Raises:
            WorldError: if the world has no links, or spans more than memory allows.
        """
        self.world, self.nuisance = world, nuisance
        self._field = StreetField(world)
        self._city = City(self._field)
        self._trees = Kerb(world, self._field, "tree")
        self._cars = Kerb(world, self._field, "car")
        self._street = _street_axes(world)

    def views(self, places: ArrayLike, view_ids: ArrayLike) -> np.ndarray:
        """Draw views; the same (place, view id) gives the same bytes in any batch.

        Args:
            places: (B,) whole numbers, rows of the world.
            view_ids: (B,) whole numbers from 0 to 2^31 - 1. By convention 0, 1, ... are recorded passes, and
                larger ones novel views; they are drawn alike.

        Returns:
            (B, 1, 64, 64) uint8, a fresh array.

        Raises:
            InvalidOptionError: if shapes differ, or a number is out of range.
        """
        places, view_ids = self._checked(places, view_ids)
        frames = np.empty((len(places), SIZE, SIZE), np.uint8)
        for first in range(0, len(places), _AT_ONCE):
            block = slice(first, first + _AT_ONCE)
            frames[block] = self._draw(places[block], view_ids[block])
        return frames.reshape(-1, *FRAME_SHAPE)

    def poses(self, places: ArrayLike, view_ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Where the camera of each view is: ground truth, as ``oracle_position`` is.

        Args:
            places: (B,) as for `views`.
            view_ids: (B,)

        Returns:
            (B, 2) float64 metres east and north, and (B,) float64 degrees clockwise from north.
        """
        places, view_ids = self._checked(places, view_ids)
        right, ahead, turn = pose_jitter(self.nuisance, self._key(places, view_ids))
        east, north = self._street[places].T.astype(np.float64)
        position = self.world.oracle_position[places].copy()
        position[:, 0] += ahead * east + right * north
        position[:, 1] += ahead * north - right * east
        return position, self.world.yaw[places].astype(np.float64) + turn

    def _draw(self, places: np.ndarray, view_ids: np.ndarray) -> np.ndarray:
        position, yaw = self.poses(places, view_ids)
        x, y = (position - self._field.origin).astype(np.float32).T[..., None]  # (B, 1) each
        east, north = directions(unit_vectors(yaw))
        eye = Eye(x, y, east, north, self._field.cast(x, y, east, north))
        key = self._key(places, view_ids)
        near = self.world.oracle_position[places]
        picture = self._city.paint(eye)
        paint_trees(picture, eye, self._trees.near(near))
        paint_cars(picture, eye, self._cars.near(near).joined(self._traffic(places, key)))
        light = (picture[..., ::2] + picture[..., 1::2]) * np.float32(0.5)  # means of neighbouring columns
        return develop(self.nuisance, key, light)

    def _traffic(self, places: np.ndarray, key: np.ndarray) -> Things:
        """Moving cars: each on one of the place's links or straight on, in a lane of the road."""
        draw = car_draws(self.nuisance, key)
        first, degree = self.world.indptr[places][:, None], np.diff(self.world.indptr)[places][:, None]
        chosen = first + np.minimum((draw["link"] * degree).astype(np.int64), np.maximum(degree - 1, 0))
        end = self.world.indices.take(chosen, mode="clip")
        way = self.world.oracle_position[end] - self.world.oracle_position[places][:, None]
        length = np.sqrt((way * way).sum(-1, keepdims=True))
        linked = (length > 0) & (degree[..., None] > 0)
        axis = np.where(linked, way / np.maximum(length, 1e-9), self._street[places][:, None]).astype(np.float32)
        ahead = 6 + 34 * draw["ahead"]
        right = np.where(draw["lane"] < 0.5, -3.0 + 3.2 * draw["lane"], 1.4 + 3.2 * (draw["lane"] - 0.5))
        start = (self.world.oracle_position[places] - self._field.origin).astype(np.float32)[:, None]
        x = (start[..., 0] + axis[..., 0] * ahead + axis[..., 1] * right).astype(np.float32)
        y = (start[..., 1] + axis[..., 1] * ahead - axis[..., 0] * right).astype(np.float32)
        within = (np.clip(v, 0, most) for v, most in zip((x, y), self._field.extent, strict=True))
        inside = self._field.depth(*within) > SIDEWALK + 1
        return Things(x, y, axis, draw["kind"], draw["grey"], draw["present"] & inside)

    def _key(self, places: np.ndarray, view_ids: np.ndarray) -> np.ndarray:
        return hashed(places, view_ids, LOOK)

    def _checked(self, places: ArrayLike, view_ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        numbers = []
        given = {"places": (places, self.world.num_places - 1), "view_ids": (view_ids, MAX_ID)}
        for name, (values, most) in given.items():
            array = np.asarray(values)
            if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
                raise InvalidOptionError(f"{name} has shape {array.shape} and dtype {array.dtype}; need (B,) integers")
            bad = np.flatnonzero((array < 0) | (array > most))
            if bad.size:
                raise InvalidOptionError(f"{name}[{bad[0]}] is {array[bad[0]]}; need 0 to {most}")
            numbers.append(array.astype(np.int64))
        if len(numbers[0]) != len(numbers[1]):
            raise InvalidOptionError(f"{len(numbers[0])} places and {len(numbers[1])} view_ids; need as many of both")
        return numbers[0], numbers[1]


def _street_axes(world: WorldGraph) -> np.ndarray:
    """(N, 2) float32 unit vectors along the street at each place: its longest link, else its yaw."""
    axes = unit_vectors(world.yaw)
    start, end = world.links.T
    way = world.oracle_position[end] - world.oracle_position[start]
    length = np.hypot(*way.T)
    order = np.argsort(length, kind="stable")
    order = order[length[order] > 0]
    axes[start[order]] = way[order] / length[order, None]  # the last, longest one stays
    return axes
