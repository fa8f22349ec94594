"""The graph protocol: a walker hops along a memory graph and sees nothing but a metric.

With k = 1 it moves to the neighbour of least D to the goal. With k > 1 it looks at the ball of k edges around it, picks
the vertex of least path cost + D on the rim of the ball (or of least D in the ball: Algorithm 2, line 6), goes there
edge by edge, and looks again (Algorithm 2, lines 5 to 10). It has no memory, so it may walk in a circle until its 50
hops are over; with probability epsilon it goes to a uniformly random vertex of the ball instead (the released code
suggests .05), by which it may escape. It has arrived at the goal vertex, or within the radius of the goal's true
position, wherever on the way that happens.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents.graphs.search import Heuristic, Lookahead, SearchBudget, best_of
from agents.graphs.search.ball import Ball
from agents.graphs.search.frontier import EMPTY
from agents.training.loop import one_torch_thread

from ..errors import ProtocolError
from .heuristics import vertex_heuristic
from .memory_graph import GraphTasks, MemoryGraph
from .results import RADII, EvalResult, scores
from .tasks import TaskList


@one_torch_thread()
def graph_walk(
    agent: Any,
    memory: MemoryGraph,
    tasks: GraphTasks | TaskList | np.ndarray,
    *,
    budget: SearchBudget = SearchBudget(),  # noqa: B008 (immutable)
    epsilon: float = 0.0,
    add_path_cost: bool = True,
    horizon: int = 50,
    seed: int = 0,
    keep_paths: bool = False,
    heuristic: Heuristic | None = None,
) -> EvalResult:
    """Walks a memory graph by an agent's metric, all walkers in lockstep.

    Args:
        agent: fitted; the uniform policy goes to random vertices of the ball.
        memory: the graph, the same for all agents that are compared.
        tasks: J tasks, as vertex pairs (J, 2) or in metres.
        budget: `lookahead` = k and `max_expansions` (of a whole walk) apply.
        epsilon: probability of a random choice at each decision.
        add_path_cost: whether path cost + D is minimised where k > 1, or D alone (Algorithm 2, line 6), which
            procrastinates. With k = 1 it is D alone: every neighbour is one hop away. Where the path cost is added,
            only the vertices no fewer than k edges away, and the goal, are chosen among: over the whole ball path
            cost + D has walkers shuffle between near-duplicates.
        horizon: hops, that is edges, allowed.
        seed: of the random choices.
        keep_paths: whether to keep true positions for figures.
        heuristic: `vertex_heuristic(agent, memory)`, where it is already at hand.

    Raises:
        ProtocolError: for a queue limit, which a walk has no use for, or an epsilon that is no probability.
    """
    if budget.queue_size is not None:
        raise ProtocolError(f"queue_size={budget.queue_size}: a walk keeps no queue; use budgeted_search")
    if not 0 <= epsilon <= 1:
        raise ProtocolError(f"epsilon={epsilon} is no probability; need 0 to 1")
    tasks = GraphTasks.of(memory, tasks)
    heuristic = heuristic or vertex_heuristic(agent, memory)
    add_path_cost &= budget.lookahead > 1
    guess = heuristic or (lambda vertices, goals: np.zeros(len(vertices), np.float32))
    ahead = Lookahead(
        memory.graph,
        tasks.pairs[:, 1],
        guess,
        budget.lookahead,
        add_path_cost=add_path_cost,
        rim_only=add_path_cost,
    )
    walkers = _Walkers(memory, tasks.pairs, ahead, budget, 1.0 if heuristic is None else epsilon)
    # Not the generator of the tasks: walkers that share a seed with them must not share their numbers.
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    trail = [walkers.here.copy()]
    for _ in range(horizon):
        if not walkers.hop(rng):
            break
        trail.append(walkers.here.copy())
    visited, goals = np.stack(trail), tasks.pairs[:, 1]  # (T + 1, J), (J,)
    gap = np.linalg.norm(memory.position[visited] - memory.position[goals], axis=-1)
    return EvalResult(
        agent=agent.name,
        env_id=memory.env_id,
        protocol="graph",
        memory=False,
        oracle=bool(getattr(agent, "is_oracle", False)),
        seed=seed,
        horizon=horizon,
        **scores(gap, (gap < RADII[0]) | (visited == goals), horizon, tasks.tasks.least_steps),
        blocked=tasks.tasks.blocked,
        seconds_per_decision=walkers.seconds / max(1, walkers.decisions),
        config={
            "lookahead": budget.lookahead,
            "epsilon": walkers.epsilon,
            "add_path_cost": add_path_cost,
            "rim_only": add_path_cost,
            "num_tasks": len(tasks),
            "num_vertices": memory.num_vertices,
            "expanded_per_walk": float(walkers.expanded.mean()),
            "generated_per_walk": float(walkers.generated.mean()),
        },
        fingerprint=memory.fingerprint,
        trajectories=[memory.position[visited[:, j]] for j in range(len(tasks))] if keep_paths else (),
    )


class _Walkers:
    """J walkers in lockstep, a hop at a time."""

    def __init__(
        self, memory: MemoryGraph, pairs: np.ndarray, ahead: Lookahead, budget: SearchBudget, epsilon: float
    ) -> None:
        self.here, self.goal, self.epsilon = pairs[:, 0].copy(), pairs[:, 1], epsilon
        self.expanded, self.generated = np.zeros((2, len(pairs)), np.int64)
        self.seconds, self.decisions = 0.0, 0
        self._position, self._limit, self._ahead = memory.position, budget.expansions, ahead
        self._way = np.empty((len(pairs), budget.lookahead), np.int64)  # the vertices of the leg that each one is on
        self._length, self._done = np.zeros((2, len(pairs)), np.int64)  # hops of that leg, and those behind it

    def hop(self, rng: np.random.Generator) -> bool:
        """Moves all walkers that have not arrived by one edge; False if none moved."""
        gap = np.linalg.norm(self._position[self.here] - self._position[self.goal], axis=1)
        walking = (self.here != self.goal) & (gap >= RADII[0])
        draws = rng.random((2, len(self.here))) if self.epsilon else np.ones((2, len(self.here)))
        deciding = np.flatnonzero(walking & (self._done == self._length))
        if deciding.size:
            started = time.perf_counter()
            self._decide(deciding, draws[:, deciding])
            self.seconds, self.decisions = self.seconds + time.perf_counter() - started, self.decisions + deciding.size
        moving = np.flatnonzero(walking & (self._done < self._length))
        self.here[moving] = self._way[moving, self._done[moving]]
        self._done[moving] += 1
        return bool(moving.size)

    def _decide(self, rows: np.ndarray, draws: np.ndarray) -> None:
        """Chooses the next leg of these walkers (K,), by chance where the first of their (2, K) draws says so."""
        ball, keys = self._ahead.look(rows, self.here[rows], self._limit - self.expanded[rows])
        self.expanded[rows] += ball.expanded
        self.generated[rows] += ball.generated
        _explore(ball, keys, draws[0] < self.epsilon, draws[1])
        moves, chosen = best_of(ball, keys)
        rows = rows[moves]
        self._length[rows] = self._done[rows] = 0
        for which, edges in ball.ways(chosen):
            one = rows[which]
            self._way[one, self._length[one]] = self._ahead.graph.indices[edges]
            self._length[one] += 1


def _explore(ball: Ball, keys: np.ndarray, by_chance: np.ndarray, draw: np.ndarray) -> None:
    """Leaves in `keys` one uniformly random vertex of the balls (K,) that are marked, chosen by `draw` in [0, 1)."""
    size = np.bincount(ball.owner, minlength=len(by_chance))
    lucky = np.flatnonzero(by_chance & (size > 0))
    order = np.lexsort((ball.vertices, ball.owner))
    first = np.cumsum(size) - size
    keys[by_chance[ball.owner]] = EMPTY
    keys[order[first[lucky] + (draw[lucky] * size[lucky]).astype(np.int64)]] = EMPTY - 1
