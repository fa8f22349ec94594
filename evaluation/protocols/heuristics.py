"""What an agent thinks of the vertices of a memory graph: D as a function of vertices and goal vertices."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents import Metric, UniformAgent
from agents.graphs.search import Heuristic

from .memory_graph import MemoryGraph

_AT_ONCE = 2048  # pairs of frames handed to an agent at a time


def vertex_heuristic(agent: Any, memory: MemoryGraph) -> Heuristic | None:
    """D between vertices, as a function of (K,) vertices and (K,) goal vertices, in steps.

    An agent that is a distance between latents embeds each vertex once. Any other, such as one that judges stacked
    pairs or -max_a Q, is asked with pairs of observations, each pair once. An oracle is asked with true positions.

    Args:
        agent: fitted, on this dataset or on another of the same kind of observations.
        memory: the graph to judge.

    Returns:
        The function; None for the uniform policy, which has no opinion.
    """
    if isinstance(agent, UniformAgent):
        return None
    if getattr(agent, "is_oracle", False):
        return agent.heuristic_on(memory)
    return frame_heuristic(agent, memory.frames)


def frame_heuristic(agent: Any, frames: np.ndarray) -> Heuristic:
    """D between (V, ...) frames, as a function of (K,) rows and (K,) goal rows, in steps."""
    if isinstance(agent, Metric):
        latents = agent.embed(frames)
        return lambda vertices, goals: agent.between(latents[vertices], latents[goals])
    return _Asked(agent, frames)


class _Asked:
    """Asks an agent about pairs of frames, and remembers: one row of V answers for each goal."""

    def __init__(self, agent: Any, frames: np.ndarray) -> None:
        self._agent, self._frames = agent, frames
        self._row = np.full(len(frames), -1)  # of each goal vertex in the table
        self._goals = np.empty(0, np.int64)  # of each row
        self._table = np.empty((0, len(frames)), np.float32)

    def __call__(self, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        new = np.unique(goals[self._row[goals] < 0])
        if new.size:
            self._row[new] = len(self._goals) + np.arange(len(new))
            self._goals = np.append(self._goals, new)
            rows = np.full((len(new), self._table.shape[1]), np.nan, np.float32)
            self._table = np.concatenate([self._table, rows])
        row = self._row[goals]
        unknown = np.isnan(self._table[row, vertices])
        if unknown.any():
            pairs = np.unique(np.stack([row[unknown], vertices[unknown]], axis=1), axis=0)
            for first in range(0, len(pairs), _AT_ONCE):
                rows, ends = pairs[first : first + _AT_ONCE].T
                answer = self._agent.distance(self._frames[ends], self._frames[self._goals[rows]])
                self._table[rows, ends] = answer
        return self._table[row, vertices]
