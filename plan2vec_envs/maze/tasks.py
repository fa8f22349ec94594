"""Where an episode starts and ends: drawn, named, or given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InvalidOptionError, UnknownNameError, check_name, suggest
from ..geometry import CENTRE_HALF, CONTACT_TOLERANCE, STEP, Point, Rect, Room

OPTIONS = ("start", "goal", "task")


class Request(NamedTuple):
    """What ``reset`` was asked for: (N, 2) float64 metres each, or None where the room draws."""

    start: np.ndarray | None
    goal: np.ndarray | None

    def lane(self, i: int) -> tuple[Point | None, Point | None]:
        """Start and goal of lane ``i``."""
        return tuple(None if xy is None else (float(xy[i, 0]), float(xy[i, 1])) for xy in self)  # type: ignore[return-value]


def draw_task(
    room: Room, rng: np.random.Generator, start: Point | None = None, goal: Point | None = None
) -> tuple[Point, Point]:
    """A start and a goal at least one step apart; what is given is kept, what is not is drawn.

    The start is drawn first, by rejection, so the generator is used alike whoever asks.

    Args:
        room: whose ranges to draw from.
        rng: the generator of one environment or lane.
        start: a given start, metres.
        goal: a given goal, metres.

    Returns:
        Start and goal, metres.
    """
    if start is None:
        start = _draw(rng, room.start_low, room.start_high, (*room.blocked, *room.start_excluded), goal)
    if goal is None:
        goal = _draw(rng, room.goal_low, room.goal_high, (*room.blocked, *room.goal_excluded), start)
    return start, goal


def _draw(rng: np.random.Generator, low: float, high: float, excluded: Sequence[Rect], other: Point | None) -> Point:
    while True:
        x, y = rng.uniform(low, high, 2).tolist()
        if any(abs(x - rect.x) < rect.half_x and abs(y - rect.y) < rect.half_y for rect in excluded):
            continue
        if other is None or (x - other[0]) ** 2 + (y - other[1]) ** 2 >= STEP**2:
            return x, y


def read_options(
    room: Room, options: Mapping[str, Any] | None, num_episodes: int, mask: np.ndarray | None = None
) -> Request:
    """Read the options of ``reset``; the mapping is left as it is.

    Args:
        room: whose tasks and walls count.
        options: ``start`` and ``goal``, each (2,) or one row a lane, or ``task``: the name or number of a
            task of the room, or one of them a lane.
        num_episodes: rows that a batched option must have.
        mask: (num_episodes,) bool, the lanes that start; positions of others are not looked at. None for all.

    Raises:
        InvalidOptionError: for an unknown key, a wrong shape, a position inside a wall, or a task together
            with a position.
        UnknownNameError: for a task that the room does not have.
    """
    options = dict(options or {})
    for key in options:
        if key not in OPTIONS:
            raise InvalidOptionError(f"unknown reset option {key!r}.{suggest(key, OPTIONS)}")
    if options.get("task") is not None:
        if options.get("start") is not None or options.get("goal") is not None:
            raise InvalidOptionError("'task' already says where to start and end; leave out 'start' and 'goal'")
        task = options["task"]
        names = list(task) if isinstance(task, (list, tuple, np.ndarray)) else [task] * num_episodes
        if len(names) != num_episodes:
            raise InvalidOptionError(f"'task' names {len(names)} tasks for {num_episodes} environments")
        starts, goals = zip(*(named_task(room, name) for name in names), strict=True)
        return Request(np.array(starts, dtype=np.float64), np.array(goals, dtype=np.float64))
    return Request(
        *(
            None if options.get(key) is None else read_positions(room, options[key], key, num_episodes, mask)
            for key in ("start", "goal")
        )
    )


def named_task(room: Room, task: Any) -> tuple[Point, Point]:
    """Start and goal of a task of the room, by its name or its number.

    Raises:
        UnknownNameError: naming the closest task.
    """
    names = list(room.tasks)
    if isinstance(task, (int, np.integer)) and not isinstance(task, bool):
        if not 0 <= task < len(names):
            raise UnknownNameError(
                f"the room '{room.name}' has tasks 0 to {len(names) - 1}, not {task}: {', '.join(names)}"
            )
        return room.tasks[names[task]]
    return room.tasks[check_name(f"task of the room '{room.name}'", task, names)]


def read_positions(room: Room, value: Any, key: str, num_episodes: int, mask: np.ndarray | None = None) -> np.ndarray:
    """Check positions of agents that a caller gives.

    Args:
        room: whose walls count.
        value: (2,) or (num_episodes, 2) metres.
        key: what to call them in an error.
        num_episodes: rows of the answer.
        mask: (num_episodes,) bool, the rows that matter; None for all.

    Returns:
        (num_episodes, 2) float64, a fresh array.

    Raises:
        InvalidOptionError: saying which position is wrong, and what would be right.
    """
    try:
        given = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidOptionError(f"'{key}' must be (x, y) in metres, got {value!r}") from error
    if given.shape not in ((2,), (num_episodes, 2)):
        batched = f" or ({num_episodes}, 2), one row an environment" if num_episodes > 1 else ""
        raise InvalidOptionError(f"'{key}' must be (x, y) in metres{batched}; got shape {given.shape}")
    xy = np.array(np.broadcast_to(given, (num_episodes, 2)))
    usable = np.isfinite(xy).all(axis=-1) & room.is_free(xy, CONTACT_TOLERANCE)
    wrong = np.flatnonzero(~usable if mask is None else ~usable & mask)
    if wrong.size:
        i = int(wrong[0])
        where = f" of environment {i}" if num_episodes > 1 else ""
        if not np.isfinite(xy[i]).all():
            raise InvalidOptionError(f"'{key}'{where} is ({xy[i, 0]}, {xy[i, 1]}); need finite metres")
        near_x, near_y = room.nearest_free(xy[i : i + 1])[0]
        raise InvalidOptionError(
            f"'{key}'{where} ({xy[i, 0]:.4f}, {xy[i, 1]:.4f}) is inside a wall of the room '{room.name}': "
            f"the agent's centre needs |x|, |y| <= {CENTRE_HALF:.2f} m and .04 m from every obstacle. "
            f"The nearest free position is ({near_x:.4f}, {near_y:.4f})."
        )
    return xy
