"""The fixed lists of start-goal pairs on which all agents are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plan2vec_envs.maze.geodesic import GeodesicOracle

from ..errors import ResultsError
from .worlds import make_rooms, room_of

FIRST_SEED = 10_000
_ARRAYS: dict[str, tuple[type, tuple[int, ...]]] = {
    "seeds": (np.int64, ()),
    "start": (np.float64, (2,)),
    "goal": (np.float64, (2,)),
    "least_steps": (np.int64, ()),
    "blocked": (bool, ()),
}
"""Array of a task list -> its dtype, and its shape after (J,)."""


@dataclass(frozen=True, eq=False)
class TaskList:
    """J tasks of one environment, with what ground truth says about each.

    Attributes:
        env_id: the environment.
        seeds: (J,) int64, reset seeds that drew the tasks.
        start: (J, 2) float64, metres.
        goal: (J, 2) float64, metres.
        least_steps: (J,) int64, fewest moves on the 8-move free-space lattice.
        blocked: (J,) bool, whether the straight line from start to goal crosses a wall.
    """

    env_id: str
    seeds: np.ndarray
    start: np.ndarray
    goal: np.ndarray
    least_steps: np.ndarray
    blocked: np.ndarray

    def __post_init__(self) -> None:
        for name, (_, tail) in _ARRAYS.items():
            if np.shape(getattr(self, name)) != (len(self.seeds), *tail):
                raise ResultsError(
                    f"task list of {self.env_id}: {name} has shape {np.shape(getattr(self, name))}, "
                    f"need {(len(self.seeds), *tail)}"
                )

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def hardest(self) -> int:
        """The task with the longest way among those whose straight line is blocked, or among all if none is."""
        return int(np.where(self.blocked | ~self.blocked.any(), self.least_steps, -1).argmax())

    def take(self, index: np.ndarray | slice) -> TaskList:
        """The chosen tasks, by index, mask or slice."""
        return TaskList(self.env_id, *(getattr(self, name)[index] for name in _ARRAYS))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, exact: floats survive the JSON round trip."""
        return {"env_id": self.env_id, **{name: getattr(self, name).tolist() for name in _ARRAYS}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TaskList:
        """The inverse of `to_dict`.

        Raises:
            ResultsError: if a field is missing or has the wrong shape.
        """
        try:
            arrays: dict[str, Any] = {
                name: np.asarray(data[name], dtype).reshape(len(data[name]), *tail)
                for name, (dtype, tail) in _ARRAYS.items()
            }
            return cls(str(data["env_id"]), **arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"not a task list: {error!r}") from error


def describe_tasks(env_id: str, seeds: np.ndarray, start: np.ndarray, goal: np.ndarray) -> TaskList:
    """Adds to start-goal pairs what ground truth says: least steps, and whether the straight line is blocked."""
    room = room_of(env_id)
    least = np.asarray(GeodesicOracle(room).least_steps(start, goal), np.int64)
    return TaskList(env_id, seeds, start, goal, least, room.segment_is_blocked(start, goal))


def make_tasks(env_id: str, num_tasks: int = 200, first_seed: int = FIRST_SEED) -> TaskList:
    """The environment's own unfiltered reset draws for consecutive seeds.

    Args:
        env_id: a registered id.
        num_tasks: J.
        first_seed: task j is what `reset(seed=first_seed + j)` draws.
    """
    if num_tasks < 1:
        raise ResultsError(f"num_tasks must be at least 1, got {num_tasks}")
    seeds = np.arange(first_seed, first_seed + num_tasks)
    envs = make_rooms(env_id, num_tasks, obs_type="state")
    try:
        _, info = envs.reset(seed=first_seed)
    finally:
        envs.close()
    start = np.asarray(info["oracle_position"], np.float64)
    return describe_tasks(env_id, seeds, start, np.asarray(info["oracle_goal"], np.float64))
