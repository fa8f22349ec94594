"""What differs between two views of one place, and how it is drawn for each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...errors import InvalidOptionError
from .dice import hashed, normals, uniform

CAR_SLOTS = 6
_f32 = np.float32
# Each quantity has draws of its own; numbers name the streams.
_LANE, _ALONG, _YAW, _GAIN, _OFFSET, _GAMMA, _NOISE = range(1, 8)
_CAR = 100


@dataclass(frozen=True)
class Nuisance:
    """How much views of one place differ. All 0: they are all the same.

    Each quantity is drawn from (place, view id) alone, and the draws do not depend on the strengths: the same
    view under another nuisance has the same jitter, scaled.

    Attributes:
        lane: largest sideways offset from the middle of the street, metres.
        along: largest offset along the street, metres.
        yaw: largest error of the camera's heading, degrees.
        cars: mean number of moving cars near the place, up to 6.
        exposure: 1 for gains within 25 %, offsets within 18 grey levels and bent tone curves; 0 for none.
        noise: standard deviation of the noise of a pixel, grey levels.
    """

    lane: float = 2.0
    along: float = 1.0
    yaw: float = 0.0
    cars: float = 3.0
    exposure: float = 1.0
    noise: float = 4.0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                raise InvalidOptionError(f"nuisance {name} is {value!r}; need a number from 0 to {most:g}")


# A camera 6 m off the middle is still 2 m from the wall, wherever along the street it is.
_MOST = {"lane": 6.0, "along": 3.0, "yaw": 180.0, "cars": float(CAR_SLOTS), "exposure": 2.0, "noise": 64.0}

NUISANCE = Nuisance()
HARDER = Nuisance(lane=4.0, yaw=5.0)


def pose_jitter(nuisance: Nuisance, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the camera is against where it should be.

    Args:
        nuisance: strengths.
        key: (B,) uint32, a hash of (place, view id).

    Returns:
        (B,) float32 metres to the right, (B,) metres ahead, (B,) degrees clockwise.
    """
    lane, along, yaw = (_centred(key, stream) for stream in (_LANE, _ALONG, _YAW))
    return lane * _f32(nuisance.lane), along * _f32(nuisance.along), yaw * _f32(nuisance.yaw)


def car_draws(nuisance: Nuisance, key: np.ndarray) -> dict[str, np.ndarray]:
    """Moving cars, (B, CAR_SLOTS) each: `present` bool; `link`, `ahead`, `lane`, `grey`, `kind` in [0, 1)."""
    slot = np.arange(CAR_SLOTS) * 10 + _CAR
    names = ("present", "link", "ahead", "lane", "grey", "kind")
    draws = {name: uniform(key[:, None], slot + i) for i, name in enumerate(names)}
    draws["present"] = draws["present"] < _f32(nuisance.cars / CAR_SLOTS)
    return draws


def develop(nuisance: Nuisance, key: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Expose the pictures and add noise.

    Args:
        nuisance: strengths.
        key: (B,) uint32, a hash of (place, view id).
        light: (B, S, S) float32 grey levels, 0 to 255.

    Returns:
        (B, S, S) uint8.
    """
    strength = _f32(nuisance.exposure)
    gain, offset, bend = (
        (_centred(key, stream) * strength)[:, None, None] * _f32(most)
        for stream, most in ((_GAIN, 0.25), (_OFFSET, 18.0), (_GAMMA, 0.35))
    )
    # x + bend x (1 - x) stands for a gamma: it costs no power, whose last bit differs between machines.
    tone = light + bend * light * (1 - light * _f32(1 / 255))
    grey = (tone - _f32(127.5)) * (1 + gain) + (offset + _f32(127.5))
    if nuisance.noise:
        grey = grey + normals(hashed(key, _NOISE), light[0].size).reshape(light.shape) * _f32(nuisance.noise)
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)


def unit_vectors(degrees: np.ndarray) -> np.ndarray:
    """(B, 2) float32 east and north of (B,) headings; by the scalar functions, which no batch size changes."""
    radians = [math.radians(float(value)) for value in degrees]
    return np.array([(math.sin(a), math.cos(a)) for a in radians], np.float32).reshape(-1, 2)


def _centred(key: np.ndarray, stream: int) -> np.ndarray:
    return uniform(key, stream) * _f32(2) - _f32(1)
