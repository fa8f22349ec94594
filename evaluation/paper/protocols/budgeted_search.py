"""Searches of a memory graph under a budget: what a short queue and few expansions do to an agent's metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from agents.graphs.search import Heuristic, PlanBatch, SearchBudget, a_star, best_first, dijkstra, greedy_walk
from agents.graphs.shortest_paths import distances_from
from agents.training.loop import one_torch_thread
from plan2vec_envs.errors import check_name

from ...errors import ResultsError
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import GraphTasks, MemoryGraph
from ...protocols.tasks import TaskList

FORMAT = 1
QUEUE_SIZES = (1, 5, 50, None)
"""|H| of Fig. 6b and Table 2: reactive, two in between, unlimited"""

Search = Callable[[Any, np.ndarray, np.ndarray, Heuristic, SearchBudget], PlanBatch]

SEARCHES: dict[str, Search] = {
    "best-first": best_first,
    "greedy": greedy_walk,
    "a-star": a_star,
    "dijkstra": lambda graph, starts, goals, _, budget: dijkstra(graph, starts, goals, budget),
}


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What J searches found and spent; the arrays are in task order.

    Attributes:
        agent: whose D was the heuristic.
        env_id: the environment.
        search: a key of `SEARCHES`.
        oracle: whether the heuristic saw true positions.
        queue_size: |H|, or None for no limit.
        max_expansions: of each search, or None for no limit.
        success: (J,) bool, whether the goal vertex was reached.
        expanded: (J,) int64, vertices whose edges were looked at.
        generated: (J,) int64, edges looked at.
        hops: (J,) int64, edges of the plan; 0 where it failed.
        cost_ratio: (J,) float64, cost of the plan / that of the cheapest one; NaN where it failed.
        optimum: (J,) float64, cost of the cheapest plan in steps; inf where there is none.
        blocked: (J,) bool, whether the task's straight line crosses a wall.
        fingerprint: of the dataset.
    """

    agent: str
    env_id: str
    search: str
    oracle: bool
    queue_size: int | None
    max_expansions: int | None
    success: np.ndarray
    expanded: np.ndarray
    generated: np.ndarray
    hops: np.ndarray
    cost_ratio: np.ndarray
    optimum: np.ndarray
    blocked: np.ndarray
    fingerprint: str | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def success_rate(self) -> float:
        """Share of searches that reached their goal."""
        return float(np.mean(self.success))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; NaN and inf become null."""
        data: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in _ARRAYS:
            data[name] = [None if not np.isfinite(x) else x for x in getattr(self, name).tolist()]
        return {"format": FORMAT, **data}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SearchResult:
        """The inverse of `to_dict`.

        Raises:
            ResultsError: if the data is of another format or a field is missing.
        """
        if data.get("format") != FORMAT:
            raise ResultsError(f"search results of format {data.get('format')!r}; this version reads format {FORMAT}")
        try:
            values = {f.name: data[f.name] for f in fields(cls)}
            for name, (dtype, missing) in _ARRAYS.items():
                values[name] = np.asarray([missing if x is None else x for x in values[name]], dtype)
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"not a search result: {error!r}") from error


_ARRAYS: dict[str, tuple[type, float]] = {
    "success": (bool, 0),
    "expanded": (np.int64, 0),
    "generated": (np.int64, 0),
    "hops": (np.int64, 0),
    "cost_ratio": (np.float64, np.nan),
    "optimum": (np.float64, np.inf),
    "blocked": (bool, 0),
}


@one_torch_thread()
def budgeted_search(
    agent: Any,
    memory: MemoryGraph,
    tasks: GraphTasks | TaskList | np.ndarray,
    budget: SearchBudget = SearchBudget(max_expansions=1000),  # noqa: B008 (immutable)
    *,
    search: str = "best-first",
    heuristic: Heuristic | None = None,
    seed: int = 0,
) -> SearchResult:
    """Searches a memory graph with an agent's metric, all plans in lockstep.

    Args:
        agent: fitted; the uniform policy gives every vertex a random number.
        memory: the graph, the same for all agents that are compared.
        tasks: J tasks, as vertex pairs (J, 2) or in metres.
        budget: `queue_size` = |H| and `max_expansions` apply.
        search: "best-first" (by D alone), "greedy" (without memory), "a-star" (path cost + D) or "dijkstra".
        heuristic: `vertex_heuristic(agent, memory)`, where it is already at hand.
        seed: of the uniform policy.

    Raises:
        UnknownNameError: for another search.
    """
    run = SEARCHES[check_name("search", search, SEARCHES)]
    tasks = GraphTasks.of(memory, tasks)
    starts, goals = tasks.pairs.T
    plans = run(memory.graph, starts, goals, heuristic or vertex_heuristic(agent, memory) or _noise(seed), budget)
    optimum = cheapest(memory, tasks.pairs)
    return SearchResult(
        agent=agent.name,
        env_id=memory.env_id,
        search=search,
        oracle=bool(getattr(agent, "is_oracle", False)),
        queue_size=budget.queue_size,
        max_expansions=budget.max_expansions,
        success=np.array(plans.success),
        expanded=np.array(plans.expanded),
        generated=np.array(plans.generated),
        hops=np.where(plans.success, plans.hops, 0),
        cost_ratio=np.where(plans.success, plans.cost_ratio(optimum), np.nan),
        optimum=optimum,
        blocked=tasks.tasks.blocked,
        fingerprint=memory.fingerprint,
        config={"num_tasks": len(tasks), "num_vertices": memory.num_vertices, "seed": seed},
    )


def cheapest(memory: MemoryGraph, pairs: np.ndarray) -> np.ndarray:
    """(J,) float64 cost of the cheapest way between vertex pairs (J, 2), by scipy; inf where there is none."""
    sources, row = np.unique(pairs[:, 0], return_inverse=True)
    return distances_from(memory.graph, sources)[row.reshape(-1), pairs[:, 1]].astype(np.float64)


def _noise(seed: int) -> Heuristic:
    rng = np.random.default_rng(seed)
    return lambda vertices, goals: rng.random(len(vertices), np.float32)
