"""The pictures that can be seen at each place of a world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InvalidOptionError, check_name
from ..io.folders import cache_dir
from .record import WorldGraph
from .street_view.cache import cached_views
from .street_view.nuisance import HARDER, NUISANCE

KINDS = ("recorded", "novel")
NOVEL = (1_000_000, 1_000_001)
"""Numbers of the drawn views that no drive has seen."""


@dataclass(frozen=True, eq=False)
class Views:
    """Pictures of all places, grouped by place: those of place v are ``frames[starts[v] : starts[v + 1]]``.

    Attributes:
        frames: (R, C, H, W) uint8, in memory or mapped from a file.
        starts: (N + 1,) int64.
    """

    frames: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, world: WorldGraph) -> Views:
        """The pictures that a world brings along.

        Raises:
            InvalidOptionError: if it brings none.
        """
        if world.views is None or world.view_places is None:
            raise InvalidOptionError(f"world {world.name!r} brings no pictures; its views are drawn")
        counts = np.bincount(world.view_places, minlength=world.num_places)
        return cls(world.views, np.concatenate([[0], np.cumsum(counts)]))

    @classmethod
    def drawn(cls, frames: np.ndarray) -> Views:
        """As many pictures of each place: (N, K, C, H, W) uint8."""
        places, each = frames.shape[:2]
        return cls(frames.reshape(places * each, *frames.shape[2:]), each * np.arange(places + 1))

    @property
    def num_places(self) -> int:
        """N."""
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of a picture."""
        return tuple(self.frames.shape[1:])

    def counts(self, places: np.ndarray) -> np.ndarray:
        """How many pictures there are of each place, (...) -> (...)."""
        return self.starts[np.asarray(places) + 1] - self.starts[places]

    def rows(self, places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Rows of ``frames`` for picture number ``numbers`` of each place; numbers beyond the last begin anew."""
        return self.starts[places] + numbers % self.counts(places)


def get_views(
    world: WorldGraph, kind: str = "recorded", passes: int = 2, *, harder: bool = False, progress: bool = False
) -> Views:
    """The pictures of a world: those it brings along, or drawn ones, kept in the cache folder.

    Args:
        world: a world.
        kind: "recorded", what drives may have seen, or "novel", two views of each place that they have not.
        passes: recorded views of each place, where they are drawn.
        harder: draw with twice the sideways error, and with errors of the heading; drawn apart from the others.
        progress: show a bar while drawing.

    Raises:
        UnknownNameError: for another kind.
        InvalidOptionError: for novel views of a world that brings its own pictures, or no pass.
        StorageError: if the cache folder cannot be written.
    """
    check_name("kind of views", kind, KINDS)
    if world.views is not None:
        if kind == "novel" or harder:
            raise InvalidOptionError(f"world {world.name!r} brings its own pictures; there are no other views of it")
        return Views.of(world)
    if passes < 1:
        raise InvalidOptionError(f"passes {passes}: need at least one view of each place")
    numbers = list(range(passes)) if kind == "recorded" else list(NOVEL)
    nuisance = HARDER if harder else NUISANCE
    return Views.drawn(cached_views(world, numbers, folder=cache_dir() / "views", nuisance=nuisance, progress=progress))
