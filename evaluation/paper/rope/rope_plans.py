"""How possible a plan through pictures of a rope is: each of its steps by the rope itself, and by what can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from agents.graphs.graph import Graph
from agents.graphs.search import Heuristic, PlanBatch, SearchBudget, best_first, dijkstra, greedy_walk
from data_collection import Dataset
from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope.picture import PEG

LIMIT = 400
"""Steps of a walk at most."""
PLANNERS = ("dijkstra", "best-first", "one-visited", "one-memoryless")


@dataclass(frozen=True, eq=False)
class RopeTasks:
    """J pairs of rows of a dataset.

    Attributes:
        start: (J,) int64 rows.
        goal: (J,) int64 rows.
        recorded: (J,) int64 recorded steps from start to goal; -1 where they are of two sequences.
    """

    start: np.ndarray
    goal: np.ndarray
    recorded: np.ndarray


def rope_tasks(dataset: Dataset, count: int, rng: np.random.Generator, *, across: bool) -> RopeTasks:
    """Pairs of frames of two sequences, or of one, the later frame as the goal."""
    ids = dataset.episode_ids
    drawn: list[tuple[int, int]] = []
    while len(drawn) < count:
        a, b = rng.integers(len(ids), size=2).tolist()
        if (ids[a] != ids[b]) == across and a != b:
            drawn.append((a, b) if across else (min(a, b), max(a, b)))
    start, goal = np.array(drawn).T
    return RopeTasks(start, goal, np.where(ids[start] == ids[goal], goal - start, -1))


def plan_all(graph: Graph, distance: Heuristic, starts: np.ndarray, goals: np.ndarray) -> dict[str, PlanBatch]:
    """The plans of every planner, by name; vertices are rows."""
    budget = SearchBudget(max_expansions=LIMIT)
    return {
        "dijkstra": dijkstra(graph, starts, goals),
        "best-first": best_first(graph, starts, goals, distance),
        "one-visited": greedy_walk(graph, starts, goals, distance, budget, avoid_visited=True),
        "one-memoryless": greedy_walk(graph, starts, goals, distance, budget),
    }


def largest_displacements(plans: PlanBatch, nodes: np.ndarray) -> np.ndarray:
    """(B,) the largest step of each plan, in pixels of the node that moves most; NaN where the plan failed.

    Args:
        plans: over rows.
        nodes: (N, K, 2) true nodes of every row, in pixels.
    """
    found = np.full(len(plans), np.nan)
    for i in np.flatnonzero(plans.success):
        path = plans.vertices[i]
        found[i] = node_displacement(nodes[path[1:]], nodes[path[:-1]]).max() if len(path) > 1 else 0.0
    return found


def largest_visible_gaps(plans: PlanBatch, frames: np.ndarray) -> np.ndarray:
    """(B,) the largest Hausdorff distance of two pictures in a row, in pixels; NaN where the plan failed."""
    shape = cache(lambda row: rope_pixels(frames[row]))
    gap = cache(lambda a, b: hausdorff(shape(a), shape(b)))
    found = np.full(len(plans), np.nan)
    for i in np.flatnonzero(plans.success):
        steps = pairwise(plans.vertices[i].tolist())
        found[i] = max((gap(min(step), max(step)) for step in steps), default=0.0)
    return found


def rope_pixels(frame: np.ndarray) -> np.ndarray:
    """(P, 2) rows and columns of the pixels of the rope in a (1, H, W) picture; pegs are darker."""
    return np.argwhere(frame[0] > PEG)


def hausdorff(a: np.ndarray, b: np.ndarray) -> float:
    """The largest distance from a point of either set to the nearest of the other; (P, 2) and (Q, 2), in their unit."""
    if not len(a) or not len(b):
        return float("inf")
    return float(max(cKDTree(a).query(b)[0].max(), cKDTree(b).query(a)[0].max()))


def pairs_across(points: np.ndarray, groups: np.ndarray, radius: float, p: float = 2.0) -> np.ndarray:
    """(P, 2) rows of different groups (N,) whose points (N, D) are within a radius in the p-norm."""
    near = cKDTree(points).query_pairs(radius, p=p, output_type="ndarray")
    return near[groups[near[:, 0]] != groups[near[:, 1]]]
