"""How far it is on foot: an oracle for evaluation, which no environment acts on."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidOptionError
from ..geometry import CENTRE_HALF, CONTACT_TOLERANCE, STEP, SUCCESS_RADIUS, Room
from ..rooms import get_room

_NUM_RIM_POINTS = 64  # of the success disc; the disc between two of them adds .001 steps


class GeodesicOracle:
    """Least number of moves between positions around the walls of a room, as a real number.

    A move goes up to one step along both axes at once, so the length of a straight way is
    max(|dx|, |dy|) / STEP. Pulling a way taut never lengthens it, and a taut way is straight between
    corners of obstacles: the distance is that over the corners, exactly. A lattice of such moves comes to
    the same value as its spacing shrinks.
    """

    def __init__(self, room: Room | str) -> None:
        """Measure the ways between the corners of the room's obstacles."""
        self.room = get_room(room) if isinstance(room, str) else room
        corners = [rect.corners() for rect in self.room.blocked]
        points = np.concatenate([*corners, np.empty((0, 2))])
        inside = (np.abs(points) <= CENTRE_HALF).all(1)
        self._corners = points[inside & self.room.is_free(points, tolerance=1e-9)]  # (K, 2)
        self._between = self._straight(self._corners[:, None], self._corners[None])  # (K, K)
        for k in range(len(self._corners)):  # Floyd and Warshall
            self._between = np.minimum(self._between, self._between[:, k, None] + self._between[k])

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Steps from each position to the other.

        Args:
            a: (B, 2) or (2,) metres.
            b: (B, 2) or (2,) metres.

        Returns:
            (B,) float64 steps; infinite if a position is inside a wall. Positions that the physics pressed
            into a wall by a little count from the wall's face.
        """
        a, b = np.broadcast_arrays(np.atleast_2d(a).astype(np.float64), np.atleast_2d(b).astype(np.float64))
        outside = self.room.is_free(a, CONTACT_TOLERANCE) & self.room.is_free(b, CONTACT_TOLERANCE)
        a, b = self.room.nearest_free(a), self.room.nearest_free(b)
        best = self._straight(a, b)
        if len(self._corners):
            leave = self._straight(a[:, None], self._corners)  # (B, K)
            arrive = self._straight(b[:, None], self._corners)
            around = (leave[:, :, None] + self._between + arrive[:, None, :]).min((1, 2))
            best = np.minimum(best, around)
        return np.where(outside, best, np.inf)

    def least_steps(self, start: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """A lower bound on the steps of any episode: to within the success radius of the goal.

        Args:
            start: (B, 2) or (2,) metres.
            goal: (B, 2) or (2,) metres.

        Returns:
            (B,) int64, at least 1, since success is judged after a step.

        Raises:
            InvalidOptionError: if a position is inside a wall.
        """
        start, goal = np.broadcast_arrays(np.atleast_2d(start), np.atleast_2d(goal))
        angle = np.arange(_NUM_RIM_POINTS) * (2 * np.pi / _NUM_RIM_POINTS)
        disc = SUCCESS_RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        ends = np.concatenate([np.zeros((1, 2)), disc]) + goal[:, None]  # (B, 1 + rim, 2)
        steps = self.distance(np.repeat(start, ends.shape[1], axis=0), ends.reshape(-1, 2))
        least = steps.reshape(len(goal), -1).min(1)
        if not np.isfinite(least).all():
            i = int(np.flatnonzero(~np.isfinite(least))[0])
            raise InvalidOptionError(
                f"no way from {start[i].tolist()} to {goal[i].tolist()}: one of them is inside a wall"
            )
        inside = np.linalg.norm(start - goal, axis=1) < SUCCESS_RADIUS
        return np.where(inside, 1, np.maximum(1, np.ceil(least - 1e-9))).astype(np.int64)

    def _straight(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(...) steps of the straight way between (..., 2) and (..., 2), infinite if it is blocked."""
        steps = np.abs(a - b).max(-1) / STEP
        return np.where(self.room.segment_is_blocked(a, b), np.inf, steps)
