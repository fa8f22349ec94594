"""What every street source has in common: checked places, mended links, a part of the map, metres."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.errors import MissingFileError, SourceError, check_name
from plan2vec_envs.image_graph import WorldGraph

from ..repairs import Repairs

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


@dataclass(frozen=True)
class Part:
    """Which places of a source are wanted, and what the world of them is called.

    Attributes:
        name: of the world; that of the subset by default, else that of the source.
        subset: a name of `SUBSETS`, a box, or None for everything.
        connected: keep only the largest piece within which every place reaches every other.
    """

    name: str | None = None
    subset: str | Box | None = None
    connected: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.subset, str):
            check_name("subset", self.subset, SUBSETS)

    @property
    def box(self) -> Box | None:
        """Where the wanted places lie; None is everywhere."""
        return SUBSETS[self.subset] if isinstance(self.subset, str) else self.subset

    def holds(self, lat_lng: np.ndarray) -> np.ndarray:
        """(N,) bool of (N, 2) degrees."""
        return np.ones(len(lat_lng), bool) if self.box is None else self.box.contains(lat_lng)


@dataclass
class Streets:
    """What a source says, collected row by row and checked on the way; `world` turns it into a record.

    Attributes:
        path: of the source, for messages.
        row_of: row of every place by its id, in the order of the source.
    """

    path: Path
    row_of: dict[str, int] = field(default_factory=dict)
    _lat_lng: list[tuple[float, float]] = field(default_factory=list)
    _yaw: list[float] = field(default_factory=list)
    _links: dict[tuple[int, int], float] = field(default_factory=dict)
    _mended: Counter[str] = field(default_factory=Counter)

    def add_place(self, place_id: str, lat: float, lng: float, yaw: float, *, where: str) -> None:
        """Take note of a place; a repetition is dropped and counted.

        Raises:
            SourceError: if it has no id, or coordinates or a yaw that are none, or was elsewhere before.
        """
        if not place_id:
            raise SourceError(f"{where}: a panorama without an id; every one needs its own")
        if not (math.isfinite(lat) and math.isfinite(lng) and abs(lat) <= 90 and abs(lng) <= 180):
            raise SourceError(
                f"{where}: panorama {place_id!r} lies at latitude {lat}, longitude {lng}; need finite degrees within "
                "±90 and ±180. Mend or remove it"
            )
        if not math.isfinite(yaw):
            raise SourceError(f"{where}: panorama {place_id!r} has yaw {yaw}; need finite degrees. Mend or remove it")
        if (row := self.row_of.get(place_id)) is not None:
            if self._lat_lng[row] != (lat, lng):
                raise SourceError(
                    f"{where}: panorama {place_id!r} lies at {lat}, {lng}, but was at "
                    f"{self._lat_lng[row][0]}, {self._lat_lng[row][1]} before; remove one of them"
                )
            self._mended["duplicate_places"] += 1
            return
        self.row_of[place_id] = len(self._lat_lng)
        self._lat_lng.append((lat, lng))
        self._yaw.append(yaw % 360)

    def add_link(self, start: str, end: str, heading: float = np.nan) -> None:
        """Take note of a directed link with its heading in degrees; one that makes no sense is dropped and counted."""
        if start not in self.row_of or end not in self.row_of:
            self._mended["unknown_links"] += 1
        elif start == end:
            self._mended["self_links"] += 1
        elif (link := (self.row_of[start], self.row_of[end])) in self._links:
            self._mended["duplicate_links"] += 1
        else:
            self._links[link] = heading % 360

    @property
    def lat_lng(self) -> np.ndarray:
        """(N, 2) float64 degrees."""
        return np.asarray(self._lat_lng, np.float64).reshape(-1, 2)

    def world(
        self, part: Part, *, source: str, licence: str, views: Mapping[str, np.ndarray] | None = None
    ) -> tuple[WorldGraph, Repairs]:
        """The world of the wanted places, and what was mended.

        Args:
            part: which places are wanted.
            source: name of the kind of source.
            licence: under which it was published.
            views: (C, H, W) uint8 of the wanted places by id, or None; a place without one is dropped and counted.

        Raises:
            SourceError: if no place is left.
        """
        lat_lng, ids, mended = self.lat_lng, np.array(list(self.row_of), np.str_), self._mended.copy()
        if not len(ids):
            raise SourceError(f"{self.path} lists no panorama; is it the right file, and whole?")
        wanted = part.holds(lat_lng)
        if not wanted.any():
            raise SourceError(
                f"none of the {len(ids):,} panoramas of {self.path} lie in {part.box}; they span latitudes "
                f"{lat_lng[:, 0].min()} to {lat_lng[:, 0].max()} and longitudes {lat_lng[:, 1].min()} to "
                f"{lat_lng[:, 1].max()}. Choose another part, or none"
            )
        if views is not None:
            pictured = np.array([place_id in views for place_id in ids.tolist()])
            mended["unpictured_places"] += int((wanted & ~pictured).sum())
            wanted &= pictured
            if not wanted.any():
                raise SourceError(f"no wanted panorama of {self.path} has a picture; read it without views")
        rows = np.flatnonzero(wanted)
        links, headings = self._links_between(rows)
        position, (lat, lng) = project(lat_lng[rows])
        world = WorldGraph.from_links(
            part.name or (part.subset if isinstance(part.subset, str) else source),
            links,
            position,
            headings=headings,
            place_ids=ids[rows].tolist(),
            yaw=np.asarray(self._yaw)[rows],
            views=None if views is None else np.stack([views[place_id] for place_id in ids[rows].tolist()]),
            view_places=None if views is None else np.arange(len(rows)),
        )
        if part.connected:
            kept = world.components() == 0
            mended["unconnected_places"] = int((~kept).sum())
            world = world.take(kept, world.name)
        repairs = Repairs(**mended, pieces=int(world.components().max()) + 1)
        about: dict[str, Any] = {"source": source, "licence": licence, "origin": {"lat": lat, "lng": lng}}
        if part.box is not None:
            about["box"] = vars(part.box)
        return replace(world, about=about | {"repairs": str(repairs)}), repairs

    def _links_between(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Links among some places, numbered as these are, and their headings; None where none is known."""
        new = np.full(len(self.row_of), -1)
        new[rows] = np.arange(len(rows))
        links = new[np.array(list(self._links), np.int64).reshape(-1, 2)]
        kept = (links >= 0).all(1)
        headings = np.array(list(self._links.values()), np.float64)
        return links[kept], headings[kept] if np.isfinite(headings).any() else None


def read_rows(path: Path, fields: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Comma-separated rows without a header; empty lines are none.

    Args:
        path: of a text file.
        fields: what they are called, for messages.

    Returns:
        'file:line' and the fields, for every row.

    Raises:
        MissingFileError: if there is no such file.
        SourceError: if it is empty or no text, or a row has another number of fields.
    """
    names = list(fields)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no file {path}; the folder must hold nodes.txt and links.txt") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is no text in UTF-8 ({error}); fetch it again") from error
    rows = [(f"{path}:{i}", line.split(",")) for i, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise SourceError(f"{path} is empty; it holds one row each, {','.join(names)}. Fetch it again")
    for where, row in rows:
        if len(row) != len(names):
            raise SourceError(
                f"{where}: {len(row)} fields in {','.join(row)[:80]!r}; need {len(names)}, {','.join(names)}. "
                "Is the file cut off?"
            )
    return rows


def number(text: str, what: str, where: str) -> float:
    """A finite number out of a text file.

    Raises:
        SourceError: if it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError(f"{where}: {what} is {text.strip()[:40]!r}; need a finite number. The files have no header")
    return value
