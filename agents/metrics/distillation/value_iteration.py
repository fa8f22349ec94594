"""Algorithm 2: walk a little towards the goal by D with lookahead, then believe a target network for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ...errors import ConfigError
from ...graphs.graph import Graph
from ...graphs.search import Heuristic, best_of
from ...graphs.search.ball import Balls, neighbours
from ...graphs.search.frontier import EMPTY, pack, without_parallel_edges
from ...graphs.search.records import estimate
from .material import DistillationProblem
from .replay import Plans, Replay, ReplayConfig

_CHUNK = 64  # vertices whose balls are computed at a time


@dataclass(frozen=True)
class ValueIterationConfig(ReplayConfig):
    """The walk and what it is continued by."""

    kind: ClassVar[str] = "value_iteration"
    lookahead: int = 3
    """k, edges that a move of the walk may span"""
    step_limit: int = 20
    """h, edges after which a walk ends; the target network estimates the rest"""
    epsilon: float = 0.0
    """share of moves that are random"""
    add_path_cost: bool = False
    """choose by path cost + D; False chooses by D alone, as printed (line 6), which procrastinates"""
    refresh: int = 10
    """gradient steps between two looks at all vertices by the D that is walked by"""
    target_period: int = 20
    """gradient steps between two updates of the target network (line 12)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lookahead", "step_limit", "refresh", "target_period"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, need at least 1")
        if not 0 <= self.epsilon <= 1:
            raise ConfigError(f"epsilon is {self.epsilon}; a share is from 0 to 1")

    def start(self, problem: DistillationProblem, sources: np.ndarray, targets: np.ndarray) -> ValueIteration:
        """What is trained; it finds its targets itself."""
        return ValueIteration(self, problem)


class ValueIteration(Replay):
    """Regress D(x_s, x_g) towards l + D_target(x_v, x_g), where a walk of length l from s ended at v (Eq. 7).

    Of a walk that arrives the length alone is the target. The target network is never asked about anything but
    vertices, so its latents of all vertices are the whole of it.
    """

    target: torch.Tensor

    def __init__(self, config: ValueIterationConfig, problem: DistillationProblem) -> None:
        super().__init__(config, problem)
        self.options = config
        self.moves, self.hops = moves_within(problem.graph, config.lookahead)
        self.register_buffer("target", self.latents.clone())

    def begin_step(self, step: int) -> None:
        """Look at all vertices again, with the network that is walked by and with the target network."""
        renew = step % self.options.refresh == 0, step % self.options.target_period == 0
        if any(renew):
            latents = self.problem.embed_vertices()
            self.latents = latents if renew[0] else self.latents
            self.target = latents.clone() if renew[1] else self.target

    def plan(self, starts: np.ndarray, goals: np.ndarray, rng: np.random.Generator) -> Plans:
        """Walks of at most h edges; all are kept."""
        ends, lengths = walk(
            self.moves,
            self.hops,
            starts,
            goals,
            lambda vertices, ends: self.estimate(self.latents, vertices, ends),
            self.options,
            rng,
        )
        return Plans(ends, lengths, np.ones(len(ends), bool))

    def targets(self, starts: np.ndarray, goals: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The length walked, and from where the walk ended the target network's distance to the goal."""
        return lengths + np.where(ends == goals, 0, self.estimate(self.target, ends, goals))


def moves_within(graph: Graph, k: int) -> tuple[Graph, np.ndarray]:
    """N(v, k) of every vertex, as a graph with an edge wherever k edges lead: computed once, walked on many times.

    Of several ways over at most k edges it is the cheapest, where a breadth-first search takes one of fewest edges.

    Returns:
        The graph of moves, its weights the costs of the ways; and (E,) int64, how many edges each move spans.
    """
    graph = without_parallel_edges(graph)
    if k == 1:
        return graph, np.ones(graph.num_edges, np.int64)
    balls = Balls(graph, min(_CHUNK, graph.num_vertices))
    parts = []
    for first in range(0, graph.num_vertices, _CHUNK):
        centres = np.arange(first, min(first + _CHUNK, graph.num_vertices))
        ball = balls.around(np.arange(len(centres)), centres, k, np.full(len(centres), 2**62))
        spans = np.zeros(len(ball.vertices), np.int64)
        for which, _ in ball.ways(np.arange(len(ball.vertices))):
            spans[which] += 1
        parts.append((first + ball.owner, ball.vertices, ball.cost, spans))
    start, end, cost, hops = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((end, start))
    indptr = np.zeros(graph.num_vertices + 1, np.int64)
    np.cumsum(np.bincount(start, minlength=graph.num_vertices), out=indptr[1:])
    flags = np.zeros(len(order), bool)
    return Graph(indptr, end[order], cost[order], flags, flags), hops[order]


def walk(
    moves: Graph,
    hops: np.ndarray,
    starts: np.ndarray,
    goals: np.ndarray,
    heuristic: Heuristic,
    config: ValueIterationConfig,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Lines 4 to 10 for many pairs in lockstep; a walk may go in circles, and then its length says so.

    Args:
        moves: From ``moves_within``.
        hops: (E,) edges that each move spans.
        starts: (B,) vertices.
        goals: (B,) vertices.
        heuristic: D.
        config: ``step_limit``, ``epsilon`` and ``add_path_cost`` apply.
        rng: For the random moves.

    Returns:
        (B,) vertices where the walks ended, and (B,) float32 lengths in steps.
    """
    at, spent = starts.copy(), np.zeros(len(starts), np.int64)
    lengths = np.zeros(len(starts), np.float32)
    active = np.flatnonzero(at != goals)
    while active.size:
        ball = neighbours(moves, at[active], np.full(len(active), 1))
        guess = estimate(heuristic, ball.vertices, goals[active][ball.owner])
        keys = pack(ball.cost + guess if config.add_path_cost else guess, ball.vertices)
        if config.epsilon > 0:
            random = (rng.random(len(active)) < config.epsilon)[ball.owner]
            keys[random] = rng.integers(EMPTY, size=int(random.sum()))
        _, chosen = best_of(ball, keys)
        moved = active[ball.owner[chosen]]
        ((_, edge),) = ball.ways(chosen)
        at[moved] = moves.indices[edge]
        lengths[moved] += moves.weights[edge]
        spent[moved] += hops[edge]
        active = moved[(at[moved] != goals[moved]) & (spent[moved] < config.step_limit)]
    return at, lengths
