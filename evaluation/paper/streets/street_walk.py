"""Driving through a world of places by a distance alone: no plan, one look at what is around, one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from plan2vec_envs.image_graph import Views, WorldGraph
from plan2vec_envs.image_graph.distances import hops_from, metres_from

from ...errors import ProtocolError

NEAR = 20.0
"""Metres of the lenient criterion of the paper's released code."""
FIRST_SEED = 10_000

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(K,) pictures and (K,) pictures of goals, as rows of ``Views.frames`` -> (K,) estimated distances."""


@dataclass(frozen=True, eq=False)
class StreetTasks:
    """J tasks of a world, with what ground truth says about each.

    Attributes:
        start: (J,) int64 places.
        goal: (J,) int64 places.
        least_hops: (J,) int64 fewest links.
        metres: (J,) float64 length of the shortest way.
    """

    start: np.ndarray
    goal: np.ndarray
    least_hops: np.ndarray
    metres: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: np.ndarray) -> StreetTasks:
        """The chosen tasks, by index or mask."""
        return StreetTasks(self.start[index], self.goal[index], self.least_hops[index], self.metres[index])


def street_tasks(
    world: WorldGraph, num_tasks: int = 200, *, max_hops: int = 50, first_seed: int = FIRST_SEED
) -> StreetTasks:
    """Places, each with a goal at most so many links away, uniform over what is reachable; one seed a task.

    Raises:
        ProtocolError: if a world has no such pair.
    """
    if num_tasks < 1:
        raise ProtocolError(f"{num_tasks} tasks: need at least 1")
    if not world.num_links:
        raise ProtocolError(f"world {world.name!r} has no links, so there is nothing to drive")
    drawn = []
    for seed in range(first_seed, first_seed + num_tasks):
        rng = np.random.default_rng(seed)
        while True:
            start = int(rng.integers(world.num_places))
            away = hops_from(world, start, max_hops)
            reachable = np.flatnonzero((away > 0) & (away <= max_hops))
            if len(reachable):
                break
        goal = int(rng.choice(reachable))
        drawn.append((start, goal, int(away[goal])))
    starts, goals, hops = np.array(drawn).T
    unique, row = np.unique(starts, return_inverse=True)
    metres = np.concatenate([metres_from(world, unique[i : i + 64])[:, goals] for i in range(0, len(unique), 64)])
    return StreetTasks(starts, goals, hops, metres[row, np.arange(len(goals))])


class Walked(NamedTuple):
    """What became of J tasks."""

    solved: np.ndarray
    """(J,) bool, the goal place was reached"""
    near: np.ndarray
    """(J,) bool, it was once within 20 m of the goal: the lenient criterion"""
    steps: np.ndarray
    """(J,) int64 links driven until the goal, or in all"""
    metres: np.ndarray
    """(J,) float64 metres driven"""


def street_walk(
    world: WorldGraph,
    views: Views,
    distance: Distance,
    tasks: StreetTasks,
    *,
    visited: bool,
    limit: int = 200,
    seed: int = 0,
) -> Walked:
    """All tasks in lockstep: at every place, one picture of each neighbour, and the least distance to the goal's.

    Args:
        world: the places.
        views: pictures that are seen on the way, and of the goals.
        distance: judges pictures.
        tasks: J tasks.
        visited: whether a driver avoids places that it came through, as long as there are others.
        limit: links.
        seed: which of its pictures each place shows, at every look anew; one a goal, which is not shown on the way.
    """
    rng = np.random.default_rng(seed)
    count = len(tasks)
    place, goal = tasks.start.copy(), tasks.goal
    goal_number = rng.integers(2**31, size=count)
    goal_row = views.rows(goal, goal_number)
    been = [{int(start)} for start in place]
    solved, near = np.zeros(count, bool), np.zeros(count, bool)
    steps, metres = np.zeros(count, np.int64), np.zeros(count)
    going = np.arange(count)
    for _ in range(limit):
        first, degree = world.indptr[place[going]], np.diff(world.indptr)[place[going]]
        going, first, degree = going[degree > 0], first[degree > 0], degree[degree > 0]
        if not len(going):
            break
        lane = np.repeat(np.arange(len(going)), degree)
        link = np.repeat(first, degree) + np.arange(degree.sum()) - np.repeat(np.cumsum(degree) - degree, degree)
        ends = world.indices[link]
        # Never the goal's own picture, where there is another: equal bytes would give the goal away.
        number, shown = goal_number[going][lane], views.counts(ends)
        row = views.rows(ends, number % shown + 1 + rng.integers(2**31, size=len(ends)) % np.maximum(shown - 1, 1))
        cost = np.asarray(distance(row, goal_row[going][lane]), np.float64)
        if visited:
            old = np.array([end in been[task] for end, task in zip(ends.tolist(), going[lane].tolist(), strict=True)])
            fresh = np.zeros(len(going), bool)
            fresh[lane[~old]] = True
            cost = np.where(old & fresh[lane], np.inf, cost)
        order = np.lexsort((rng.random(len(row)), cost, lane))  # ties by chance
        chosen = order[np.cumsum(degree) - degree]
        place[going] = ends[chosen]
        steps[going] += 1
        metres[going] += world.lengths[link[chosen]]
        for task, end in zip(going.tolist(), ends[chosen].tolist(), strict=True):
            been[task].add(end)
        gap = world.oracle_position[place[going]] - world.oracle_position[goal[going]]
        near[going] |= np.hypot(*gap.T) < NEAR
        solved[going] = place[going] == goal[going]
        going = going[~solved[going]]
    return Walked(solved, near | solved, steps, metres)


def by_latents(latents: np.ndarray, between: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Distance:
    """A distance from latents of all pictures, (R, D), and the distance of latents."""
    return lambda rows, goals: between(latents[rows], latents[goals])
