"""A lattice of places over a room, on which maps are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plan2vec_envs.geometry import CENTRE_HALF
from plan2vec_envs.maze.render import Renderer
from plan2vec_envs.rooms import Room


@dataclass(frozen=True)
class Lattice:
    """Positions of the agent on a square lattice, row by row from the south-west.

    Attributes:
        room: whose walls count.
        cells: points a side.
    """

    room: Room
    cells: int = 61

    @property
    def axis(self) -> np.ndarray:
        """(cells,) metres."""
        return np.linspace(-CENTRE_HALF, CENTRE_HALF, self.cells)

    @cached_property
    def free(self) -> np.ndarray:
        """(cells * cells,) bool, whether the agent can stand there."""
        return self.room.is_free(self._points)

    @cached_property
    def positions(self) -> np.ndarray:
        """(F, 2) metres, the free points."""
        return self._points[self.free]

    @cached_property
    def squares(self) -> np.ndarray:
        """(Q, 4) int64, the free points at the corners of each square that is free, in the order of its rim."""
        number = np.full((self.cells, self.cells), -1)
        number[self.free.reshape(number.shape)] = np.arange(self.free.sum())
        rim = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], axis=-1).reshape(-1, 4)
        return rim[(rim >= 0).all(1)]

    def frames(self) -> np.ndarray:
        """(F, 1, 64, 64) uint8, what the agent sees at each free point."""
        return Renderer(self.room).frames(self.positions)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(F,) values of the free points as a (cells, cells) map, NaN in walls."""
        whole = np.full(self.cells**2, np.nan)
        whole[self.free] = values
        return whole.reshape(self.cells, self.cells)

    @property
    def _points(self) -> np.ndarray:
        return np.stack(np.meshgrid(self.axis, self.axis), -1).reshape(-1, 2)
