"""The fixed scene: sky, facades on the walls of the streets, and the ground between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .dice import LOOK, hashed, uniform
from .field import GRID, HALF_WIDTH, StreetField
from .kerb import SIDEWALK
from .lens import CAMERA_HEIGHT, COLUMN_ANGLE, EDGES, MIDDLES, PER_ROW, below, periodic_share, pulses

_F = np.float32
_LOT = (17.0, 23.0)  # metres
_TURN = np.radians(29.0)  # lots are turned against north as Manhattan's are
_EAST, _NORTH = np.float32(np.cos(_TURN)), np.float32(np.sin(_TURN))
_SUN = (np.float32(0.5), np.float32(-0.866))  # unit vector towards it
_HAZE, _HAZE_HALF = np.float32(200), np.float32(160)  # grey level; metres that make a facade half haze
_LIT = np.float32(0.16)

Columns = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Eye:
    """B cameras and their C rays each, metres from the field's origin.

    Attributes:
        x, y: (B, 1) float32.
        east, north: (B, C) unit directions.
        wall: (B, C) metres to the wall.
    """

    x: np.ndarray
    y: np.ndarray
    east: np.ndarray
    north: np.ndarray
    wall: np.ndarray


class City:
    """Paints the fixed scene into a picture of grey levels."""

    def __init__(self, field: StreetField) -> None:
        self._field = field
        # Lots and slabs hang on the world's origin, not on the raster's, which a part of a city has elsewhere.
        self._shift = field.origin
        self._slab_shift = np.rint(field.origin / GRID).astype(np.int32)

    def paint(self, eye: Eye) -> np.ndarray:
        """(B, S, C) float32 grey levels."""
        hit = eye.x + eye.wall * eye.east, eye.y + eye.wall * eye.north
        normal = self._field.normal(*hit)
        lot, along, is_a = self._lots(hit, normal)
        look = self._looks(lot)
        # Facades are lit by where they face, the more so the less they are in haze.
        light = 1 + _LIT * (normal[0] * _SUN[0] + normal[1] * _SUN[1])
        clear = _HAZE_HALF / (_HAZE_HALF + eye.wall)

        def shade(grey: np.ndarray) -> np.ndarray:
            return _HAZE + (grey * light - _HAZE) * clear

        facing = np.maximum(np.abs(normal[0] * eye.east + normal[1] * eye.north), np.float32(0.05))
        footprint = eye.wall * np.float32(COLUMN_ANGLE) / facing  # metres of wall that a column sees
        left, right = along - footprint * np.float32(0.5), along + footprint * np.float32(0.5)
        spacing = look["spacing"] + np.float32(0.35) * is_a
        window = periodic_share(left / spacing, right / spacing, look["shift"], look["window_width"])
        pane = periodic_share(left / look["shop_spacing"], right / look["shop_spacing"], look["shift"], _F(0.78))

        per_metre = 1 / eye.wall
        foot = below(-_F(CAMERA_HEIGHT) * per_metre)
        shop = below((look["shop"] - _F(CAMERA_HEIGHT)) * per_metre)
        sign = below((look["shop"] - _F(0.9) - _F(CAMERA_HEIGHT)) * per_metre)
        roof = below((look["roof"] - _F(CAMERA_HEIGHT)) * per_metre)
        cornice = below((look["roof"] - look["cornice"] - _F(CAMERA_HEIGHT)) * per_metre)

        wall = shade(look["wall"])
        picture = self._sky(eye) * (1 - roof)
        picture += self._ground(eye) * foot
        picture += wall[:, None] * (roof - shop)
        picture += (shade(look["cornice_grey"]) - wall)[:, None] * (roof - cornice)
        picture += shade(look["sign"])[:, None] * (shop - sign)
        picture += shade(look["pillar"] + (look["shop_glass"] - look["pillar"]) * pane)[:, None] * (sign - foot)
        cover, odd = self._windows(eye.wall, look, along / spacing - look["shift"])
        glass = (shade(look["glass"]) - wall) * window
        picture += (glass[:, None] + odd * (look["glass_spread"] * clear * window)[:, None]) * cover
        return picture

    def _lots(self, hit: Columns, normal: Columns) -> tuple[Columns, np.ndarray, np.ndarray]:
        """The lot behind each hit, metres along its facade, and which way it faces."""
        # Half a metre into the building, where a lot is unambiguous.
        x = hit[0] - normal[0] * _F(0.5) + self._shift[0]
        y = hit[1] - normal[1] * _F(0.5) + self._shift[1]
        a, b = (x * _EAST + y * _NORTH) / _LOT[0], (y * _EAST - x * _NORTH) / _LOT[1]
        lot_a, lot_b = np.floor(a), np.floor(b)
        is_a = np.abs(normal[0] * _EAST + normal[1] * _NORTH) < np.abs(normal[1] * _EAST - normal[0] * _NORTH)
        along = np.where(is_a, (a - lot_a) * _LOT[0], (b - lot_b) * _LOT[1]).astype(np.float32)
        return (lot_a.astype(np.int64), lot_b.astype(np.int64)), along, is_a.astype(np.float32)

    def _looks(self, lot: Columns) -> dict[str, np.ndarray]:
        """What the building on each lot looks like: lengths in metres, greys in levels, shares."""
        key = hashed(*lot, LOOK)

        def draw(stream: int, low: float, high: float) -> np.ndarray:
            return uniform(key, stream) * _F(high - low) + _F(low)

        floor, shop = draw(1, 2.9, 4.3), draw(2, 3.6, 5.2)
        floors = np.floor(draw(3, 0, 1) * draw(4, 3, 16)) + _F(1)
        wall = draw(5, 58, 205)
        dark = uniform(key, 6) < 0.75  # the others' windows mirror the sky
        cornice = draw(7, 0.4, 1.4)
        return {
            "floor": floor,
            "shop": shop,
            "floors": floors,
            "roof": shop + floors * floor + cornice,
            "cornice": cornice,
            "wall": wall,
            "glass": np.where(dark, draw(8, 18, 62), draw(8, 150, 225)),
            "glass_spread": draw(9, 8, 70),
            "spacing": draw(10, 1.7, 4.6),
            "window_width": draw(11, 0.32, 0.72),
            "window_height": draw(12, 0.40, 0.80),
            "shift": draw(13, 0, 1),
            "cornice_grey": np.clip(wall + draw(14, -75, 65), 20, 235),
            "shop_spacing": draw(15, 2.4, 6.5),
            "shop_glass": draw(16, 20, 95),
            "pillar": draw(17, 40, 190),
            "sign": draw(18, 25, 235),
        }

    def _windows(self, distance: np.ndarray, look: dict[str, np.ndarray], bay: np.ndarray) -> Columns:
        """How much of each pixel windows would cover if they joined sideways, and how each differs from the others.

        Args:
            distance: (B, C) metres to the wall.
            look: as `_looks` says.
            bay: (B, C) windows along the facade.

        Returns:
            (B, S, C) in [0, 1] and (B, S, C) in [-.5, .5].
        """
        # Row edges as numbers of floors above the shops.
        per_floor = 1 / look["floor"]
        scale = distance * per_floor
        base = (_F(CAMERA_HEIGHT) - look["shop"]) * per_floor
        edges = np.clip(EDGES * scale[:, None] + base[:, None], _F(0), look["floors"][:, None])
        covered = pulses(edges - _F(0.18), look["window_height"][:, None])
        cover = (covered[:, :-1] - covered[:, 1:]) * (PER_ROW / scale[:, None])
        # Each window has a grey of its own: blinds, lamps, curtains.
        window = hashed(np.floor(bay).astype(np.int64), (look["wall"] * 64).astype(np.int64), LOOK)
        stride = (window >> np.uint32(8)).astype(np.float32) * _F(2**-24)
        number = np.floor(edges[:, 1:]) * stride[:, None]
        odd = number - np.floor(number) - _F(0.5)
        return cover, odd

    def _sky(self, eye: Eye) -> np.ndarray:
        """(B, S, C): darker towards the zenith, brighter towards the sun."""
        glow = (eye.east * _SUN[0] + eye.north * _SUN[1]) * _F(9)
        return _SKY + glow[:, None] * _SKY_GLOW

    def _ground(self, eye: Eye) -> np.ndarray:
        """(B, S, C): 0 above the horizon; below it, road with lane marks, kerb, sidewalk."""
        ground = np.zeros((len(eye.wall), len(_REACH) + _HORIZON, eye.wall.shape[1]), np.float32)
        # Behind the wall nothing is seen, so looking no farther keeps points inside of the streets.
        reach = np.minimum(_REACH, eye.wall[:, None])
        x, y = eye.x[..., None] + reach * eye.east[:, None], eye.y[..., None] + reach * eye.north[:, None]
        depth = self._field.depth(x, y)
        soft = 1 / (_F(0.25) + reach * _F(0.06))  # per metre; edges blur with distance

        def deeper(edge: float) -> np.ndarray:
            return np.clip((depth - _F(edge)) * soft + _F(0.5), 0, 1)

        road, gutter = deeper(SIDEWALK), deeper(SIDEWALK + 0.35)
        middle = deeper(HALF_WIDTH - 0.28)
        dash = np.clip((deeper(HALF_WIDTH - 3.35) - deeper(HALF_WIDTH - 3.05)), 0, 1)
        slab_x, slab_y = ((v * _F(1 / GRID)).astype(np.int32) for v in (x, y))
        slab = uniform(slab_x + self._slab_shift[0], slab_y + self._slab_shift[1], LOOK)
        grey = _F(152) + (slab - _F(0.5)) * (_F(26) - _F(10) * road)
        grey += (_F(60) - _F(152)) * road + (_F(26)) * gutter
        grey += _F(105) * middle + _F(70) * dash
        clear = _HAZE_HALF / (_HAZE_HALF + reach)
        ground[:, _HORIZON:] = _HAZE + (grey - _HAZE) * clear
        return ground


_rise = np.clip(np.arctan(MIDDLES) / (np.pi / 2), 0, 1).astype(np.float32)
_SKY = 238 - 62 * _rise  # (S, 1)
_SKY_GLOW = 1 - _rise
_HORIZON = int((MIDDLES >= 0).sum())  # rows above it
_REACH = (-CAMERA_HEIGHT / MIDDLES[_HORIZON:]).astype(np.float32)  # (S - _HORIZON, 1) metres to the ground
