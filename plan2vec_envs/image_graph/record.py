"""The record of a world that is a graph of places: links between them, and the views taken there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ..errors import WorldError
from ..io.hashing import array_sha256, json_sha256


@dataclass(frozen=True, eq=False)
class WorldGraph:
    """N places joined by E directed links; the links of place v are rows ``indptr[v] : indptr[v + 1]``.

    Attributes:
        name: what it is called in tables and folders.
        place_ids: (N,) str, what the source calls each place; unique.
        indptr: (N + 1,) int64.
        indices: (E,) int64, the place a link leads to; ascending within a place, no link leads to itself.
        lengths: (E,) float32 metres, finite and >= 0.
        headings: (E,) float32 degrees clockwise from north in which a link leaves; NaN where the source does not say.
        oracle_position: (N, 2) float64 metres east and north of the world's origin; evaluation and drawing only.
        yaw: (N,) float32 degrees clockwise from north at the middle of a view.
        views: (R, C, H, W) uint8 pictures that were taken, or None where they are drawn.
        view_places: (R,) int64 place of each of them, ascending; None without views.
        about: plain JSON: where it comes from, its licence, the origin's latitude and longitude.
    """

    name: str
    place_ids: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    lengths: np.ndarray
    headings: np.ndarray
    oracle_position: np.ndarray
    yaw: np.ndarray
    views: np.ndarray | None = None
    view_places: np.ndarray | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        places, links = len(self.place_ids), len(self.indices)
        if not places:
            raise WorldError(f"world {self.name!r} has no places; need at least one")
        wanted = {
            "indptr": ((places + 1,), np.int64),
            "indices": ((links,), np.int64),
            "lengths": ((links,), np.float32),
            "headings": ((links,), np.float32),
            "oracle_position": ((places, 2), np.float64),
            "yaw": ((places,), np.float32),
        }
        for name, (shape, dtype) in wanted.items():
            array = np.asarray(getattr(self, name), dtype)
            if array.shape != shape:
                raise WorldError(f"{name} of world {self.name!r} has shape {array.shape}; need {shape}")
            self._set(name, array)
        self._set("place_ids", np.asarray(self.place_ids, np.str_))
        self._check_links()
        for name in ("lengths", "oracle_position", "yaw"):
            array = getattr(self, name)
            bad = np.flatnonzero(~np.isfinite(array).all(axis=tuple(range(1, array.ndim))))
            if bad.size:
                raise WorldError(
                    f"{name} of world {self.name!r} is {array[bad[0]]} in row {bad[0]}; need finite numbers"
                )
        if (self.lengths < 0).any():
            raise WorldError(f"world {self.name!r} has a link of {self.lengths.min()} m; lengths are >= 0")
        if len(np.unique(self.place_ids)) < places:
            raise WorldError(
                f"world {self.name!r} has {places} places and {len(np.unique(self.place_ids))} different ids"
            )
        self._check_views()

    def _set(self, name: str, array: np.ndarray) -> None:
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(self, name, view)

    def _check_links(self) -> None:
        if self.indptr[0] != 0 or self.indptr[-1] != len(self.indices) or (np.diff(self.indptr) < 0).any():
            raise WorldError(f"indptr of world {self.name!r} must rise from 0 to {len(self.indices)}")
        if len(self.indices) and not 0 <= self.indices.min() <= self.indices.max() < self.num_places:
            raise WorldError(f"links of world {self.name!r} lead outside of places 0 to {self.num_places - 1}")
        start, end = self.links.T
        if (start == end).any():
            raise WorldError(f"place {start[start == end][0]} of world {self.name!r} is linked with itself")
        if (np.diff(start * self.num_places + end) <= 0).any():
            raise WorldError(f"links of world {self.name!r} must ascend within a place, each once")

    def _check_views(self) -> None:
        if (self.views is None) != (self.view_places is None):
            raise WorldError(f"world {self.name!r} needs views and view_places, or neither")
        if self.views is None:
            return
        views, places = np.asarray(self.views), np.asarray(self.view_places, np.int64)
        if views.ndim != 4 or views.dtype != np.uint8 or places.shape != (len(views),):
            raise WorldError(
                f"views of world {self.name!r} have shape {views.shape} and dtype {views.dtype}, view_places "
                f"{places.shape}; need (R, C, H, W) uint8 and (R,)"
            )
        missing = np.flatnonzero(np.bincount(places, minlength=self.num_places) == 0) if len(places) else [0]
        if not len(places) or places.min() < 0 or places.max() >= self.num_places or (np.diff(places) < 0).any():
            raise WorldError(f"view_places of world {self.name!r} must ascend within 0 to {self.num_places - 1}")
        if len(missing):
            raise WorldError(f"{len(missing)} places of world {self.name!r} have no view, the first is {missing[0]}")
        self._set("views", views)
        self._set("view_places", places)

    @classmethod
    def from_links(
        cls,
        name: str,
        links: np.ndarray,
        oracle_position: np.ndarray,
        *,
        lengths: np.ndarray | None = None,
        headings: np.ndarray | None = None,
        place_ids: Iterable[str] | None = None,
        yaw: np.ndarray | None = None,
        **rest: Any,
    ) -> WorldGraph:
        """A world from a list of links in any order.

        Args:
            name: as of the class.
            links: (E, 2) directed, each once, none to itself.
            oracle_position: (N, 2) metres.
            lengths: (E,) metres; straight lines by default.
            headings: (E,) degrees; those of the straight lines by default.
            place_ids: N names; numbers by default.
            yaw: (N,) degrees; north by default.
            rest: other entries of the class.

        Raises:
            WorldError: if they make no world.
        """
        position = np.asarray(oracle_position, np.float64).reshape(-1, 2)
        links = np.asarray(links, np.int64).reshape(-1, 2)
        if len(links) and not 0 <= links.min() <= links.max() < len(position):
            raise WorldError(f"a link of world {name!r} names a place outside 0 to {len(position) - 1}")
        for what, given in (("lengths", lengths), ("headings", headings)):
            if given is not None and np.shape(given) != (len(links),):
                raise WorldError(f"{what} of world {name!r} have shape {np.shape(given)}; need ({len(links)},)")
        order = np.lexsort((links[:, 1], links[:, 0]))
        east, north = (position[links[:, 1]] - position[links[:, 0]]).T
        lengths = np.hypot(east, north) if lengths is None else np.asarray(lengths)
        headings = np.degrees(np.arctan2(east, north)) % 360 if headings is None else np.asarray(headings)
        counts = np.bincount(links[:, 0], minlength=len(position))
        return cls(
            name=name,
            place_ids=np.asarray([str(i) for i in range(len(position))] if place_ids is None else list(place_ids)),
            indptr=np.concatenate([[0], np.cumsum(counts)]),
            indices=links[order, 1],
            lengths=lengths[order],
            headings=headings[order],
            oracle_position=position,
            yaw=np.zeros(len(position)) if yaw is None else yaw,
            **rest,
        )

    @property
    def num_places(self) -> int:
        """N."""
        return len(self.place_ids)

    @property
    def num_links(self) -> int:
        """E, directed."""
        return len(self.indices)

    @cached_property
    def links(self) -> np.ndarray:
        """(E, 2) int64, from and to."""
        return np.stack([np.repeat(np.arange(self.num_places), np.diff(self.indptr)), self.indices], 1)

    @property
    def max_degree(self) -> int:
        """The most links that leave a place."""
        return int(np.diff(self.indptr).max())

    @cached_property
    def median_length(self) -> float:
        """Median link in metres; 1 where there is none longer than 0."""
        real = self.lengths[self.lengths > 0]
        return float(np.median(real)) if len(real) else 1.0

    def neighbors(self, place: int) -> np.ndarray:
        """(degree,) int64 places that a place's links lead to, ascending."""
        return self.indices[self.indptr[place] : self.indptr[place + 1]]

    def matrix(self, weights: np.ndarray | None = None) -> csr_array:
        """(N, N) sparse matrix of link lengths in metres, or of other (E,) weights."""
        data = self.lengths if weights is None else weights
        return csr_array((np.asarray(data, np.float64), self.indices, self.indptr), shape=(self.num_places,) * 2)

    def components(self) -> np.ndarray:
        """(N,) int labels of the pieces within which every place reaches every other; 0 is the largest."""
        ones = np.ones(self.num_links)  # lengths of 0 would be no links to scipy
        labels = connected_components(self.matrix(ones), directed=True, connection="strong")[1]
        rank = np.empty(labels.max() + 1, int)
        rank[np.argsort(-np.bincount(labels), kind="stable")] = np.arange(len(rank))
        return rank[labels]

    def take(self, places: np.ndarray, name: str) -> WorldGraph:
        """The part of the world between some places, in the given order.

        Args:
            places: (n,) rows, each once, or (N,) bool.
            name: of the part.
        """
        places = np.asarray(places)
        rows = np.flatnonzero(places) if places.dtype == bool else places.astype(np.int64)
        if not len(rows):
            raise WorldError(f"no place of world {self.name!r} was chosen for {name!r}; need at least one")
        row_of = np.full(self.num_places, -1)
        row_of[rows] = np.arange(len(rows))
        kept = (row_of[self.links] >= 0).all(1)
        views, view_places = self.views, self.view_places
        if views is not None and view_places is not None:
            chosen = np.flatnonzero(row_of[view_places] >= 0)
            chosen = chosen[np.argsort(row_of[view_places[chosen]], kind="stable")]
            views, view_places = views[chosen], row_of[view_places[chosen]]
        return WorldGraph.from_links(
            name,
            row_of[self.links[kept]],
            self.oracle_position[rows],
            lengths=self.lengths[kept],
            headings=self.headings[kept],
            place_ids=self.place_ids[rows],
            yaw=self.yaw[rows],
            views=views,
            view_places=view_places,
            about=self.about,
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 of everything but the name and what is said about it."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return json_sha256({name: None if a is None else array_sha256(a) for name, a in arrays.items()})


ARRAYS = ("place_ids", "indptr", "indices", "lengths", "headings", "oracle_position", "yaw", "views", "view_places")
