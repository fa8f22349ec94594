"""The memory graph on which all agents are judged alike, and start-goal pairs of its vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from agents import Graph, Planner
from data_collection import Dataset
from plan2vec_envs.geometry import STEP

from ..errors import ProtocolError
from .tasks import TaskList, describe_tasks


@dataclass(frozen=True, eq=False)
class MemoryGraph:
    """A graph over recorded frames, with the truth about them.

    Attributes:
        graph: V vertices; an agent that is judged on it need not have built it.
        rows: (V,) int64, the row of the dataset behind each vertex.
        frames: (V, ...) the observation of each vertex.
        position: (V, 2) float64, its true position in metres; for verdicts and oracles.
        env_id: the environment.
        fingerprint: of the dataset.
    """

    graph: Graph
    rows: np.ndarray
    frames: np.ndarray
    position: np.ndarray
    env_id: str
    fingerprint: str | None

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.rows)


def memory_graph(agent: Any, dataset: Dataset) -> MemoryGraph:
    """The graph that an agent built over the frames of a dataset.

    Args:
        agent: fitted on the dataset, with `graph` and `vertex_rows`.
        dataset: with its true positions.

    Raises:
        ProtocolError: if the agent has no graph, or the dataset has no true positions.
    """
    if not isinstance(agent, Planner):
        raise ProtocolError(f"agent {agent.name!r} has no graph to walk on; judge it on the graph of another agent")
    if dataset.oracle_position is None:
        raise ProtocolError("the dataset has no true positions, which the graph protocol needs for its verdict")
    rows = np.asarray(agent.vertex_rows)
    position = np.asarray(dataset.oracle_position, np.float64)[rows]
    return MemoryGraph(
        agent.graph, rows, dataset.observations[rows], position, str(dataset.env_id), dataset.fingerprint
    )


@dataclass(frozen=True, eq=False)
class GraphTasks:
    """J tasks on a memory graph.

    Attributes:
        pairs: (J, 2) int64, start and goal vertices.
        tasks: the same in metres, with least steps and blocked lines.
    """

    pairs: np.ndarray
    tasks: TaskList

    def __len__(self) -> int:
        return len(self.pairs)

    @classmethod
    def of(cls, memory: MemoryGraph, tasks: GraphTasks | TaskList | np.ndarray) -> GraphTasks:
        """From (J, 2) vertex pairs, or from tasks in metres, whose ends are taken to the nearest vertices."""
        if isinstance(tasks, GraphTasks):
            return tasks
        seeds = np.arange(len(tasks))
        if isinstance(tasks, TaskList):
            seeds, tree = tasks.seeds, cKDTree(memory.position)
            tasks = np.stack([tree.query(tasks.start)[1], tree.query(tasks.goal)[1]], axis=1)
        pairs = np.asarray(tasks, np.int64).reshape(-1, 2)
        start, goal = memory.position[pairs[:, 0]], memory.position[pairs[:, 1]]
        return cls(pairs, describe_tasks(memory.env_id, seeds, start, goal))


def graph_tasks(memory: MemoryGraph, *, num_tasks: int = 200, seed: int = 0) -> GraphTasks:
    """Uniform random vertex pairs at least one step apart.

    Args:
        memory: V vertices.
        num_tasks: J.
        seed: of the draws.

    Raises:
        ProtocolError: if hardly any two vertices are that far apart.
    """
    position = memory.position
    rng = np.random.default_rng(seed)
    pairs = np.empty((0, 2), np.int64)
    for _ in range(100):
        drawn = rng.integers(len(position), size=(num_tasks, 2))
        apart = np.linalg.norm(position[drawn[:, 0]] - position[drawn[:, 1]], axis=1) >= STEP
        pairs = np.concatenate([pairs, drawn[apart]])[:num_tasks]
        if len(pairs) == num_tasks:
            return GraphTasks.of(memory, pairs)
    raise ProtocolError(f"no {num_tasks} vertex pairs at least {STEP:.4f} m apart among {len(position)} vertices")
