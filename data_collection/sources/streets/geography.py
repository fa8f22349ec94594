"""Degrees into metres, and the boxes of the paper's Table 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

METRES_PER_DEGREE = 111_320.0  # of latitude


@dataclass(frozen=True)
class Box:
    """A part of the map: lower left corner and size, all in degrees; its edges belong to it."""

    lat: float
    lng: float
    height: float
    width: float

    def contains(self, lat_lng: np.ndarray) -> np.ndarray:
        """(N,) bool of (N, 2) latitudes and longitudes."""
        lat, lng = np.asarray(lat_lng).reshape(-1, 2).T
        return (
            (lat >= self.lat)
            & (lat <= self.lat + self.height)
            & (lng >= self.lng)
            & (lng <= self.lng + self.width)
        )  # fmt: skip


# Tiny to large as printed in Table 3; xl is the box of the released code. On the graph that was released with
# Touchdown they hold 53, 264, 542, 1,530, 5,542 and 29,641 places (test_sources_touchdown.py).
SUBSETS: dict[str, Box | None] = {
    "tiny": Box(40.72891, -73.99694, 0.00143, 0.00191),
    "small": Box(40.72731, -73.99698, 0.00349, 0.00397),
    "medium": Box(40.72690, -73.99798, 0.00475, 0.00648),
    "large": Box(40.72601, -73.99700, 0.00799, 0.01000),
    "xl": Box(40.726, -73.997, 0.016, 0.02),
    "full": None,
}


def project(lat_lng: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Metres on a plane that touches the middle of some places; good to 0.1 % within a city.

    A degree of longitude is shorter than one of latitude by cos(latitude), .758 in Manhattan; the 1.32 of the
    paper is its inverse, by which a Mercator map stretches both.

    Args:
        lat_lng: (N, 2) degrees, N > 0.

    Returns:
        (N, 2) float64 metres east and north of the mean latitude and longitude, and these two.
    """
    lat, lng = np.asarray(lat_lng, np.float64).T
    origin = float(lat.mean()), float(lng.mean())
    east = (lng - origin[1]) * METRES_PER_DEGREE * np.cos(np.radians(origin[0]))
    return np.stack([east, (lat - origin[0]) * METRES_PER_DEGREE], 1), origin
