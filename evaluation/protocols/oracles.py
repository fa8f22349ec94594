"""Reference agents that see true positions. They are marked, and no learned agent may imitate them.

They imagine the eight moves by walking through free space until a wall stops them, and take the one that ends best: by
geodesic distance (what a perfect metric would do), by Dijkstra on a fine lattice of free space (the same without a
formula), or by straight-line distance (what a metric must beat to claim that it knows the topology). On a memory graph
the same distances judge vertices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from agents.graphs.search import Heuristic
from plan2vec_envs.geometry import CENTRE_HALF, STEP
from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.rooms import Room

from .memory_graph import MemoryGraph
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

    def __init__(self, room: Room) -> None:
        self.room = room

    def act(self, observation: np.ndarray, goal: np.ndarray, *, memory: Any = None, rng: Any = None) -> np.ndarray:
        """(B, 2) true positions and goals, metres -> (B,) int64 moves; one pair gives one move."""
        single = np.ndim(observation) == 1
        position, goal = np.atleast_2d(observation), np.atleast_2d(goal)
        ends = imagine_moves(self.room, position)
        cost = self.remaining(ends.reshape(-1, 2), np.repeat(goal, 8, axis=0)).reshape(-1, 8)
        action = cost.argmin(1).astype(np.int64)
        return action[0] if single else action

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """(K, 2) positions, (K, 2) goals -> (K,) what is left to go, in steps."""
        raise NotImplementedError

    def heuristic_on(self, memory: MemoryGraph) -> Heuristic:
        """The same between the true positions of vertices."""
        position = memory.position
        return lambda vertices, goals: self.remaining(position[vertices], position[goals])


class StraightLineGreedy(_Greedy):
    """Greedy on the Euclidean distance of true positions; walls are not seen."""

    name = "straight-line"

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """The length of the straight line."""
        return np.linalg.norm(position - goal, axis=-1) / STEP


class GeodesicGreedy(_Greedy):
    """Greedy on the true geodesic distance: what a perfect metric would do with the same control."""

    name = "geodesic"

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        self._oracle = GeodesicOracle(self.room)

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Steps through free space; ties, which the square moves have many of, go to the straighter line."""
        straight = np.linalg.norm(position - goal, axis=-1) / STEP
        return self._oracle.distance(position, goal) + 1e-3 * straight


class TrueGraphDijkstra(_Greedy):
    """Follows the shortest paths of a lattice of free space, found by Dijkstra: slower than a formula, and as good.

    A vertex is a free point of a square lattice; it is joined to its eight neighbours where the straight line is free.
    A goal becomes a vertex of its own. Both lengths are max(|dx|, |dy|), in steps.
    """

    name = "dijkstra"

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        cell = STEP / 4
        reach = int(CENTRE_HALF / cell)
        line = cell * np.arange(-reach, reach + 1)
        points = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
        self._points = points[self.room.is_free(points)]
        self._tree = cKDTree(self._points)
        self._edges = self._tree.query_pairs(1.5 * cell, output_type="ndarray")
        a, b = self._points[self._edges].transpose(1, 0, 2)
        self._edges = self._edges[~self.room.segment_is_blocked(a, b)]
        self._from: dict[tuple[float, float], np.ndarray] = {}  # goal -> steps from each lattice point

    def remaining(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Steps to a lattice point nearby and from there along the lattice; ties go to the straighter line."""
        position = self.room.nearest_free(position)
        goals, which = np.unique(goal, axis=0, return_inverse=True)
        from_goal = self._from_goals(goals)[which.reshape(-1)]
        _, near = self._tree.query(position, k=4)
        lattice = from_goal[np.arange(len(position))[:, None], near] + _steps(self._points[near], position[:, None])
        direct, straight = _steps(position, goal), np.linalg.norm(position - goal, axis=-1) / STEP
        in_view = (direct <= 2) & ~self.room.segment_is_blocked(position, goal)
        return np.where(in_view, direct, lattice.min(1)) + 1e-3 * straight

    def _from_goals(self, goals: np.ndarray) -> np.ndarray:
        """(G, V) steps from each of these goals to each lattice point; each goal is searched from once."""
        new = np.array([goal for goal in goals.tolist() if tuple(goal) not in self._from]).reshape(-1, 2)
        if len(new):
            size = len(self._points)
            free = self.room.nearest_free(new)
            _, near = self._tree.query(free, k=4)
            a, b = self._edges.T
            starts = np.concatenate([a, b, np.repeat(size + np.arange(len(new)), 4)])
            ends = np.concatenate([b, a, near.ravel()])
            points = np.concatenate([self._points, free])
            weights = np.maximum(_steps(points[starts], points[ends]), 1e-9)  # 0 would be no edge
            total = size + len(new)
            matrix = csr_array(coo_array((weights, (starts, ends)), shape=(total, total)))
            rows = dijkstra(matrix, indices=size + np.arange(len(new)))[:, :size]
            self._from.update(zip(map(tuple, new.tolist()), rows, strict=True))
        return np.stack([self._from[tuple(goal)] for goal in goals.tolist()])


def _steps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(...) steps of a free straight way between (..., 2) and (..., 2)."""
    return np.abs(a - b).max(-1) / STEP


def oracles(env_id: str) -> list[_Greedy]:
    """The reference agents of a room, the best first."""
    room = room_of(env_id)
    return [GeodesicGreedy(room), TrueGraphDijkstra(room), StraightLineGreedy(room)]
