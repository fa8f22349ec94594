"""Trees and cars, painted over the city as flat pictures that face the camera, the farther ones first."""

from __future__ import annotations

import numpy as np

from .city import Eye
from .dice import uniform
from .kerb import Things
from .lens import CAMERA_HEIGHT, COLUMN_ANGLE, below

_f = np.float32
_NEAR = 1.5  # metres; what is closer is below the camera
_TREES, _CARS = 2, 2  # seen behind one another in a column
_TALL = 0.75  # cars with a size above this are vans
_TRUNK = 0.2  # metres, half of its width


def paint_trees(picture: np.ndarray, eye: Eye, trees: Things) -> None:
    """Paint trees over (B, S, C) grey levels."""
    crown = _f(1.5) + trees.size * _f(1.6)  # metres of radius
    for tree in _nearest(eye, trees, crown, _TREES):
        size, distance, off = tree["size"], tree["distance"], np.abs(tree["off"])
        radius = _f(1.5) + size * _f(1.6)
        # Ragged outlines: each third of a metre of crown has a height of its own.
        ragged = uniform(np.floor(tree["off"] * 3).astype(np.int64), (size * 4096).astype(np.int64))
        half = np.sqrt(np.maximum(radius * radius - off * off, 0)) * (_f(0.78) + _f(0.34) * ragged)
        middle = _f(4.2) + size * _f(2.2)
        grey = _f(48) + tree["grey"] * _f(46)
        haze = _haze(distance)
        bark = grey * _f(0.7) * haze + 200 * (1 - haze)
        leaves = _tangent(middle - half, distance), _tangent(middle + half, distance)
        _blend(picture, *leaves, (grey + ragged * 26 - 13) * haze + 200 * (1 - haze), tree["seen"] * _f(0.88))
        blur = distance * _f(COLUMN_ANGLE)
        trunk = np.clip((_f(_TRUNK) - off) / blur + _f(0.5), 0, np.minimum(2 * _f(_TRUNK) / blur, 1))
        _blend(picture, _tangent(0, distance), leaves[0], bark, trunk * tree["seen"])


def paint_cars(picture: np.ndarray, eye: Eye, cars: Things) -> None:
    """Paint cars over (B, S, C) grey levels."""
    tall = cars.size > _TALL
    length, width = np.where(tall, _f(6.5), _f(4.4)), np.where(tall, _f(2.2), _f(1.8))
    east, north = cars.x - eye.x, cars.y - eye.y
    scale = 1 / np.maximum(np.sqrt(east * east + north * north), _f(0.1))
    broadside = np.abs(cars.axis[..., 0] * north - cars.axis[..., 1] * east) * scale
    end_on = np.abs(cars.axis[..., 0] * east + cars.axis[..., 1] * north) * scale
    half = (length * broadside + width * end_on) * _f(0.5)
    for car in _nearest(eye, cars, half, _CARS):
        distance, seen = car["distance"], car["seen"]
        place = np.abs(car["off"]) / car["half"]  # 0 in the middle, 1 at an end
        tall = car["size"] > _TALL
        cabin = np.where(tall, _f(0.97), _f(0.62))
        top = np.where(tall, _f(2.6), np.where(place < cabin, _f(1.5), _f(0.95)))
        haze = _haze(distance)
        paint = (_f(25) + car["grey"] * car["grey"] * _f(215)) * haze + 200 * (1 - haze)
        ground, body = _tangent(_f(0.3), distance), _tangent(_f(0.95), distance)
        _blend(picture, _tangent(0, distance), ground, _f(28) * haze + 200 * (1 - haze), seen)
        _blend(picture, ground, _tangent(top, distance), paint, seen)
        glass = np.where(place < cabin - _f(0.08), _f(0.85), 0) * seen
        _blend(picture, body, _tangent(np.where(tall, _f(1.7), _f(1.4)), distance), paint * _f(0.3) + 12, glass)


def _nearest(eye: Eye, things: Things, half: np.ndarray, layers: int) -> list[dict[str, np.ndarray]]:
    """The nearest things of each column, farthest first: (B, C) each of what is said of them."""
    x, y = (things.x - eye.x)[..., None], (things.y - eye.y)[..., None]  # (B, n, 1)
    east, north = eye.east[:, None], eye.north[:, None]
    distance = x * east + y * north  # (B, n, C)
    off = x * north - y * east
    hit = (np.abs(off) < half[..., None]) & (distance > _NEAR) & (distance < eye.wall[:, None])
    distance = np.where(hit & things.present[..., None], distance, np.inf)
    found = []
    for _ in range(layers):
        first = distance.argmin(1)  # (B, C)
        at = first[:, None]
        reach = np.take_along_axis(distance, at, 1)[:, 0]
        seen = np.isfinite(reach)
        layer = {"distance": np.where(seen, reach, _f(100)), "seen": seen.astype(np.float32)}
        layer["off"] = np.take_along_axis(off, at, 1)[:, 0]
        for name, values in (("size", things.size), ("grey", things.grey), ("half", half)):
            layer[name] = np.take_along_axis(values, first, 1)
        found.append(layer)
        np.put_along_axis(distance, at, np.inf, 1)
    return found[::-1]


def _blend(picture: np.ndarray, low: np.ndarray, high: np.ndarray, grey: np.ndarray, opacity: np.ndarray) -> None:
    """Lay a band between two tangents of elevation over the picture; (B, C) each."""
    share = (below(high) - below(low)) * opacity[:, None]
    picture += share * (grey[:, None] - picture)


def _tangent(height: np.ndarray | np.float32 | float, distance: np.ndarray) -> np.ndarray:
    return (height - _f(CAMERA_HEIGHT)) / distance


def _haze(distance: np.ndarray) -> np.ndarray:
    return _f(160) / (_f(160) + distance)
