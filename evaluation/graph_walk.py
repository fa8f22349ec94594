"""The graph protocol: a walker hops along the agent's graph and sees nothing but the metric.

At every hop it moves to the neighbour whose learned distance D to the goal is least (k = 1: the cost of the hop
itself is not added, every neighbour is one hop away). It has no memory and 50 hops. Start and goal are uniform random
vertices at least one step apart. It arrives at the goal vertex, or within the radius of the goal's true position.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from data_collection import Dataset
from plan2vec_envs.geometry import STEP

from .embedding import vertex_distance
from .errors import ProtocolError
from .results import RADII, EvalResult
from .tasks import TaskList, describe_tasks


def graph_tasks(agent: Any, dataset: Dataset, *, num_tasks: int = 200, seed: int = 0) -> tuple[np.ndarray, TaskList]:
    """Uniform random vertex pairs at least one step apart: (J, 2) vertices, and the same tasks in metres.

    Raises:
        ProtocolError: if the agent has no graph, or the dataset has no true positions.
    """
    position = vertex_positions(agent, dataset)
    rng = np.random.default_rng(seed)
    pairs = np.empty((0, 2), np.int64)
    for _ in range(100):
        drawn = rng.integers(len(position), size=(num_tasks, 2))
        apart = np.linalg.norm(position[drawn[:, 0]] - position[drawn[:, 1]], axis=1) >= STEP
        pairs = np.concatenate([pairs, drawn[apart]])[:num_tasks]
        if len(pairs) == num_tasks:
            start, goal = position[pairs[:, 0]], position[pairs[:, 1]]
            return pairs, describe_tasks(str(dataset.env_id), np.arange(num_tasks), start, goal)
    raise ProtocolError(f"no {num_tasks} vertex pairs at least {STEP:.4f} m apart among {len(position)} vertices")


def graph_walk(
    agent: Any,
    dataset: Dataset,
    *,
    num_tasks: int = 200,
    horizon: int = 50,
    seed: int = 0,
    lookahead: int = 1,
    keep_paths: bool = False,
) -> EvalResult:
    """Walks the agent's graph greedily on its metric, all walkers in lockstep.

    Args:
        agent: fitted, with `graph`, `vertex_rows` and a distance.
        dataset: the training dataset with its true positions, used for the verdict only.
        num_tasks: J walkers.
        horizon: hops allowed.
        seed: of the start and goal draws.
        lookahead: k; only 1 is known here.
        keep_paths: whether to keep true positions for figures.

    Raises:
        ProtocolError: if the agent has no graph, the dataset has no true positions, or `lookahead` is not 1.
    """
    if lookahead != 1:
        raise ProtocolError(f"lookahead={lookahead}: the graph walker knows k = 1 only")
    pairs, tasks = graph_tasks(agent, dataset, num_tasks=num_tasks, seed=seed)
    position = vertex_positions(agent, dataset)
    distance = vertex_distance(agent, dataset)
    here, goal = pairs[:, 0].copy(), pairs[:, 1]
    trail, seconds, decisions = [here.copy()], 0.0, 0
    for _ in range(horizon):
        gap = np.linalg.norm(position[here] - position[goal], axis=1)
        walking = np.flatnonzero((here != goal) & (gap >= RADII[0]))
        if not walking.size:
            break
        started = time.perf_counter()
        here[walking] = nearest_neighbors(agent.graph, here[walking], goal[walking], distance)
        seconds, decisions = seconds + time.perf_counter() - started, decisions + walking.size
        trail.append(here.copy())
    visited = np.stack(trail)  # (T + 1, J)
    return EvalResult(
        agent=agent.name,
        env_id=tasks.env_id,
        protocol="graph",
        memory=False,
        oracle=False,
        seed=seed,
        horizon=horizon,
        **_scores(visited, position, goal, tasks, horizon),
        blocked=tasks.blocked,
        seconds_per_decision=seconds / max(1, decisions),
        config={"lookahead": lookahead, "num_tasks": num_tasks, "num_vertices": len(position)},
        fingerprint=dataset.fingerprint,
        trajectories=[position[visited[:, j]] for j in range(num_tasks)] if keep_paths else (),
    )


def nearest_neighbors(graph: Any, vertex: np.ndarray, goal: np.ndarray, distance: Any) -> np.ndarray:
    """The out-neighbour of each walker with the least D to its goal; ties go to the first, a dead end stays.

    Args:
        graph: CSR with `indptr` and `indices`.
        vertex: (B,) where the walkers are.
        goal: (B,) their goal vertices.
        distance: maps (K,) vertices and (K,) goals to (K,) D.
    """
    first, degree = graph.indptr[vertex], np.diff(graph.indptr)[vertex]
    lane = np.repeat(np.arange(len(vertex)), degree)
    slot = np.arange(degree.sum()) - np.repeat(np.cumsum(degree) - degree, degree)
    candidates = graph.indices[first[lane] + slot]
    score = distance(candidates, goal[lane])
    order = np.lexsort((slot, score, lane))  # by lane, then D, then position in the list
    moving, leader = np.unique(lane[order], return_index=True)
    reached = vertex.copy()
    reached[moving] = candidates[order[leader]]
    return reached


def vertex_positions(agent: Any, dataset: Dataset) -> np.ndarray:
    """(V, 2) true positions of the agent's graph vertices.

    Raises:
        ProtocolError: if the agent has no graph, or the dataset has no true positions.
    """
    if getattr(agent, "graph", None) is None:
        raise ProtocolError(f"agent {agent.name!r} has no graph to walk on; judge it by the closed loop")
    if dataset.oracle_position is None:
        raise ProtocolError("the dataset has no true positions, which the graph protocol needs for its verdict")
    return np.asarray(dataset.oracle_position, np.float64)[agent.vertex_rows]


def _scores(
    visited: np.ndarray, position: np.ndarray, goal: np.ndarray, tasks: TaskList, horizon: int
) -> dict[str, Any]:
    gap = np.linalg.norm(position[visited] - position[goal], axis=-1)  # (T + 1, J)
    arrived = (gap < RADII[0]) | (visited == goal)
    success = arrived.any(0)
    steps = np.where(success, arrived.argmax(0), horizon)
    closest = gap[1:].min(0) if len(gap) > 1 else gap[0]
    return {
        "success_02": success,
        "success_03": success | (closest < RADII[1]),
        "success_04": success | (closest < RADII[2]),
        "steps": steps.astype(np.int64),
        "optimality": np.where(success, steps / np.maximum(1, tasks.least_steps), np.nan),
    }
