"""Reference agents that see true positions. They are marked, and no learned agent may imitate them.

Both imagine the eight moves by walking through free space until a wall stops them, and take the one that ends best:
by geodesic distance (what a perfect metric would do) or by straight-line distance (what a metric must beat to claim
that it knows the topology).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from plan2vec_envs.geodesic import GeodesicOracle
from plan2vec_envs.geometry import STEP
from plan2vec_envs.rooms import Room, get_room

from .worlds import room_of

MOVES = STEP * np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)], np.float64)  # (8, 2)
_FRACTIONS = np.linspace(0.1, 1.0, 10)  # as many as the physics has substeps
_ROUNDING = 1e-9  # metres; a move along a wall's face is free


def imagine_moves(room: Room, position: np.ndarray) -> np.ndarray:
    """Where each move would end: (B, 2) -> (B, 8, 2). Walls stick: a blocked move stops at its first contact."""
    start = room.nearest_free(np.asarray(position, np.float64))
    path = start[:, None, None] + _FRACTIONS[:, None] * MOVES[:, None]  # (B, 8, 10, 2)
    free = room.is_free(path.reshape(-1, 2), _ROUNDING).reshape(path.shape[:-1])
    walked = np.where(np.cumprod(free, axis=-1).astype(bool), _FRACTIONS, 0.0).max(-1)  # (B, 8)
    return start[:, None] + walked[..., None] * MOVES


class _Greedy:
    """One-step lookahead on true positions; a subclass says how far a position is from a goal."""

    name = "greedy"
    is_oracle = True

    def __init__(self, room: Room | str) -> None:
        self.room = get_room(room) if isinstance(room, str) else room

    def act(self, observation: np.ndarray, goal: np.ndarray, *, memory: Any = None, rng: Any = None) -> np.ndarray:
        """(B, 2) true positions and goals, metres -> (B,) int64 moves; one pair gives one move."""
        single = np.ndim(observation) == 1
        position, goal = np.atleast_2d(observation), np.atleast_2d(goal)
        ends = imagine_moves(self.room, position)
        cost = self.remaining(ends.reshape(-1, 2), np.repeat(goal, 8, axis=0)).reshape(-1, 8)
        action = cost.argmin(1).astype(np.int64)
        return action[0] if single else action

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """(K, 2) positions, (K, 2) goals -> (K,) what is left to go."""
        raise NotImplementedError


class StraightLineGreedy(_Greedy):
    """Greedy on the Euclidean distance of true positions; walls are not seen."""

    name = "straight-line"

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Metres in a straight line."""
        return np.linalg.norm(position - goal, axis=-1)


class GeodesicGreedy(_Greedy):
    """Greedy on the true geodesic distance: what a perfect metric would do with the same control."""

    name = "geodesic"

    def __init__(self, room: Room | str) -> None:
        super().__init__(room)
        self._oracle = GeodesicOracle(self.room)

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Steps through free space; ties, which the square moves have many of, go to the straighter line."""
        straight = np.linalg.norm(position - goal, axis=-1) / STEP
        return self._oracle.distance(position, goal) + 1e-3 * straight


def oracles(env_id: str) -> list[_Greedy]:
    """The two reference agents of a room."""
    room = room_of(env_id)
    return [GeodesicGreedy(room), StraightLineGreedy(room)]
