"""What a room is, in metres: x grows east, y grows north, the origin is the middle of the arena."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from .errors import InvalidOptionError

ARENA_HALF = 0.28  # inner face of the border walls
AGENT_HALF = 0.04  # the agent is a square that does not turn
STEP = 0.0249167  # one discrete move along an axis; a diagonal one moves this much along both
SUCCESS_RADIUS = 0.02  # between the centres of agent and goal
CENTRE_HALF = ARENA_HALF - AGENT_HALF  # the agent's centre stays within +-CENTRE_HALF
# A moving body ends a step at most one substep inside a wall (2.5 mm for a discrete move, 5 mm for a full-scale Box
# move), so poses that the physics itself produces are that far from free. Whatever judges a given pose forgives this.
CONTACT_TOLERANCE = 0.0055

Point: TypeAlias = tuple[float, float]


class Rect(NamedTuple):
    """An axis-aligned rectangle: its centre and its half extents, in metres."""

    x: float
    y: float
    half_x: float
    half_y: float

    @property
    def area(self) -> float:
        """Square metres."""
        return 4 * self.half_x * self.half_y

    def grow(self, margin: float) -> Rect:
        """The rectangle with each side moved outwards by ``margin`` metres (inwards if negative)."""
        return Rect(self.x, self.y, self.half_x + margin, self.half_y + margin)

    def contains(self, xy: np.ndarray) -> np.ndarray:
        """Whether each point of ``xy`` (..., 2) lies strictly inside: (...) bool."""
        offset = np.abs(xy - (self.x, self.y))
        return (offset[..., 0] < self.half_x) & (offset[..., 1] < self.half_y)

    def corners(self) -> np.ndarray:
        """(4, 2) corners, counter-clockwise from the south-west."""
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        return np.array([self.x, self.y]) + signs * (self.half_x, self.half_y)

    def is_crossed(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether each segment from ``a`` to ``b``, both (..., 2), meets the open inside: (...) bool.

        Slab test: along each axis the segment is inside for an interval of its parameter t in [0, 1].
        """
        centre = np.array([self.x, self.y])
        half = np.array([self.half_x, self.half_y])
        start, direction = a - centre, b - a
        moving = np.abs(direction) > 1e-15  # metres; below, a quotient could overflow
        safe = np.where(moving, direction, 1.0)
        first, second = (-half - start) / safe, (half - start) / safe
        # An axis along which nothing moves is inside for ever or never.
        always = np.abs(start) < half
        enter = np.where(moving, np.minimum(first, second), np.where(always, -np.inf, np.inf))
        leave = np.where(moving, np.maximum(first, second), np.where(always, np.inf, -np.inf))
        return np.maximum(enter.max(-1), 0.0) < np.minimum(leave.min(-1), 1.0)


def border(thickness: float) -> tuple[Rect, ...]:
    """The four border walls, whose inner faces lie at +-ARENA_HALF, ``thickness`` metres thick.

    The northern and the southern wall hold the corners, so no two walls overlap.
    """
    middle, half = ARENA_HALF + thickness / 2, thickness / 2
    return (
        Rect(0.0, middle, ARENA_HALF + thickness, half),
        Rect(0.0, -middle, ARENA_HALF + thickness, half),
        Rect(middle, 0.0, half, ARENA_HALF),
        Rect(-middle, 0.0, half, ARENA_HALF),
    )


@dataclass(frozen=True, eq=False)  # a room equals itself only, and so can be a key
class Room:
    """A room: its obstacles, where episodes start and end, and five tasks that have a name.

    Attributes:
        name: the key in ``ROOMS`` and the ``room`` argument of the environments.
        title: what the environment id is made of: ``Plan2vec/<title>-v0``.
        doc: one paragraph for people.
        obstacles: walls beside the four border walls.
        start_low, start_high: starts are uniform in this box of agent centres, both axes alike, ...
        goal_low, goal_high: ... and goals in this one,
        start_excluded, goal_excluded: drawn again inside any of these rectangles, and inside ``blocked``.
        tasks: name -> (start, goal).
        hideable: those of the obstacles that ``hidden_walls=True`` leaves out of the frames; they stay where they are.
        blocked: the obstacles as the agent's centre meets them.

    Raises:
        InvalidOptionError: if a region reaches into the border wall, walls leave nothing of it, or a task has an end in
            a wall; the message names the room, the region or task, and the wall.
    """

    name: str
    title: str
    doc: str
    obstacles: tuple[Rect, ...]
    tasks: Mapping[str, tuple[Point, Point]]
    start_low: float = -0.22
    start_high: float = 0.22
    goal_low: float = -0.22
    goal_high: float = 0.22
    start_excluded: tuple[Rect, ...] = ()
    goal_excluded: tuple[Rect, ...] = ()
    hideable: tuple[Rect, ...] = ()
    blocked: tuple[Rect, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocked", tuple(rect.grow(AGENT_HALF) for rect in self.obstacles))
        self._check_region("start", self.start_low, self.start_high, self.start_excluded)
        self._check_region("goal", self.goal_low, self.goal_high, self.goal_excluded)
        for name, ends in self.tasks.items():
            for end, xy in zip(("start", "goal"), np.array(ends, dtype=np.float64), strict=True):
                if not self.is_free(xy):
                    raise InvalidOptionError(
                        f"room {self.name!r}: the {end} {tuple(xy.tolist())} of task {name!r} is in "
                        f"{self._wall_over(xy, 'the border wall')}, or less than {AGENT_HALF} m from it"
                    )

    def _check_region(self, region: str, low: float, high: float, excluded: tuple[Rect, ...]) -> None:
        """Refuse a region that the border wall cuts, or of which a lattice of 101 x 101 points finds nothing left."""
        if not -CENTRE_HALF <= low <= high <= CENTRE_HALF:
            raise InvalidOptionError(
                f"room {self.name!r}: the {region} region goes from {low} to {high} m; between the border walls the "
                f"agent's centre has -{CENTRE_HALF:.2f} to {CENTRE_HALF:.2f} m"
            )
        points = np.stack(np.meshgrid(*2 * [np.linspace(low, high, 101)]), -1)
        left = self.is_free(points)
        for rect in excluded:
            left &= ~rect.contains(points)
        if not left.any():
            raise InvalidOptionError(
                f"room {self.name!r}: nothing is left of the {region} region, {low} to {high} m along both axes, "
                f"without the walls (and {AGENT_HALF} m around each) and {len(excluded)} excluded rectangles; it lies "
                f"in {self._wall_over(points, 'no wall')}"
            )

    def _wall_over(self, xy: np.ndarray, otherwise: str) -> Rect | str:
        """The obstacle that keeps the agent from the most of some points (..., 2)."""
        shares = [float(rect.contains(xy).mean()) for rect in self.blocked]
        return self.obstacles[int(np.argmax(shares))] if any(shares) else otherwise

    @property
    def env_id(self) -> str:
        """The Gymnasium id of this room."""
        return f"Plan2vec/{self.title}-v0"

    def is_free(self, xy: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        """Whether an agent centred at each point touches no wall, or overlaps by at most ``tolerance``.

        Args:
            xy: (..., 2) metres.
            tolerance: metres; a pose that the physics produced needs ``CONTACT_TOLERANCE``.

        Returns:
            (B,) bool.
        """
        xy = np.asarray(xy, dtype=np.float64)
        free = (np.abs(xy) <= CENTRE_HALF + tolerance).all(-1)
        for rect in self.blocked:
            free &= ~rect.grow(-tolerance).contains(xy)
        return free

    def segment_is_blocked(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether the agent's centre would enter an obstacle on the straight way from ``a`` to ``b``.

        Args:
            a: (B, 2) metres, inside the arena.
            b: (B, 2) metres, inside the arena.

        Returns:
            (B,) bool; grazing an obstacle's face is not entering it.
        """
        a, b = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
        blocked = np.zeros(a.shape[:-1], dtype=bool)
        for rect in self.blocked:
            # A nanometre, so that rounding cannot turn a way along a face into one through it.
            blocked |= rect.grow(-1e-9).is_crossed(a, b)
        return blocked

    def _face_crossings(self) -> np.ndarray:
        """(K, 2) free points in which a vertical and a horizontal face line cross."""
        lines = [
            [
                -CENTRE_HALF,
                CENTRE_HALF,
                *(rect[axis] + sign * rect[2 + axis] for rect in self.blocked for sign in (-1, 1)),
            ]
            for axis in (0, 1)
        ]
        crossings = np.stack(np.meshgrid(*lines), -1).reshape(-1, 2)
        return crossings[self.is_free(crossings, tolerance=1e-12)]

    def nearest_free(self, xy: np.ndarray) -> np.ndarray:
        """The closest point at which an agent touches no wall.

        Args:
            xy: (B, 2) metres.

        Returns:
            (B, 2) float64 metres; free points are returned as they are.
        """
        inside_border = np.clip(np.asarray(xy, dtype=np.float64), -CENTRE_HALF, CENTRE_HALF)
        candidates = [inside_border]
        for rect in self.blocked:
            for axis in (0, 1):
                for sign in (-1, 1):  # the foot of the perpendicular on each face
                    foot = inside_border.copy()
                    foot[:, axis] = rect[axis] + sign * rect[2 + axis]
                    candidates.append(foot)
        if len(self.blocked) > 1:  # where faces of two obstacles, or of one and the border, meet in a nook
            candidates += [np.broadcast_to(nook, inside_border.shape) for nook in self._face_crossings()]
        points = np.stack(candidates, axis=1)  # (B, K, 2)
        distance = np.linalg.norm(points - np.asarray(xy)[:, None], axis=-1)
        distance[~self.is_free(points, tolerance=1e-12)] = np.inf
        return points[np.arange(len(points)), distance.argmin(1)]
