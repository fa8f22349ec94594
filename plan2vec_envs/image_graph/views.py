"""The pictures that can be seen at each place of a world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InvalidOptionError
from .record import WorldGraph


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
