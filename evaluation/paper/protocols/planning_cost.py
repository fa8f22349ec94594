"""How planning gets dearer with distance (Fig. 6c), and how far memoryless sampling gets beside a search (Fig. 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra as cheapest_costs

from agents.graphs.search import PlanBatch, SearchBudget, a_star, best_first, dijkstra, greedy_walk
from agents.graphs.search.ball import Balls
from agents.graphs.shortest_paths import distances_from
from agents.training.loop import one_torch_thread

from ...errors import ProtocolError
from ...protocols.graph_walk import graph_walk
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import GraphTasks, MemoryGraph
from ...protocols.oracles import StraightLineGreedy
from ...protocols.worlds import room_of

DEPTHS = (2, 3, 4, 6, 8, 12, 16, 24)
_SOURCES = 256
_PAIRS = 50  # drawn at each distance
_SPENT, _EPSILON = 50, 0.05  # hops or expansions of a sampler, and how often one of them goes astray

Search = Callable[..., PlanBatch]
"""Of a graph, starts and goals; its heuristic and budget are given already."""


@one_torch_thread()
def budgeted_search(memory: MemoryGraph, pairs: np.ndarray, search: Search) -> tuple[PlanBatch, np.ndarray]:
    """Searches a memory graph, all plans in lockstep.

    Args:
        memory: the graph, the same for all agents that are compared.
        pairs: (J, 2) vertices, start and goal.
        search: one of `agents.graphs.search`, with `vertex_heuristic(agent, memory)`.

    Returns:
        The plans, and (J,) float64 costs of the cheapest ways in steps; inf where there is none.
    """
    plans = search(memory.graph, pairs[:, 0], pairs[:, 1])
    sources, row = np.unique(pairs[:, 0], return_inverse=True)
    return plans, distances_from(memory.graph, sources)[row.reshape(-1), pairs[:, 1]].astype(np.float64)


def planning_cost(
    agent: Any, memory: MemoryGraph, *, depths: Sequence[float] = DEPTHS, seed: int = 0
) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
    """Vertices expanded and edges looked at by each search, by the cost of the cheapest plan (Fig. 6c).

    Dijkstra; A* with the straight line (an oracle, not admissible where learned edges are shorter than they are) and
    with the agent's D; best-first and greedy by D, which is how plan2vec plans.

    Args:
        agent: fitted.
        memory: the graph.
        depths: steps of the cheapest plan, each to within half a step; those that the graph has too few of are left
            out.
        seed: of the draws.

    Returns:
        (J,) depths, and by search, each (J,): ``expanded`` and ``generated``, ``success``, ``cost_ratio`` to the
        cheapest plan, ``optimum``, which is the cost of that.

    Raises:
        ProtocolError: if no depth has enough pairs.
    """
    tasks, depth = pairs_at(memory, depths, _PAIRS, in_hops=False, seed=seed)
    learned = vertex_heuristic(agent, memory)
    assert learned is not None
    straight = StraightLineGreedy(room_of(memory.env_id)).heuristic_on(memory)
    cap = SearchBudget(max_expansions=20 * memory.num_vertices)  # A* by an inconsistent D may reopen for very long
    ways: dict[str, Search] = {
        "dijkstra": partial(dijkstra, budget=cap),
        "a-star, straight line (oracle)": partial(a_star, heuristic=straight, budget=cap),
        f"a-star, {agent.name}": partial(a_star, heuristic=learned, budget=cap),
        f"best-first, {agent.name}": partial(best_first, heuristic=learned, budget=cap),
        f"greedy, {agent.name}": partial(greedy_walk, heuristic=learned, budget=cap),
    }
    searches = {}
    for name, search in ways.items():
        plans, optimum = budgeted_search(memory, tasks.pairs, search)
        searches[name] = {key: getattr(plans, key) for key in ("expanded", "generated", "success")}
        searches[name] |= {"cost_ratio": plans.cost_ratio(optimum), "optimum": optimum}
    return depth, searches


def ball_sizes(
    memory: MemoryGraph, ks: Sequence[int] = range(1, 8), *, centres: int = 100, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """What the released code suggests was measured for Fig. 6c: vertices in the k-step ball, beside k one-step balls.

    Args:
        memory: the graph.
        ks: edges.
        centres: C random vertices, or all there are.
        seed: of the draw.

    Returns:
        (len(ks), C) sizes of the balls (Dijkstra's look-ahead), and what k moves of a greedy walker look at.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(memory.num_vertices, min(centres, memory.num_vertices), replace=False))
    rows, limit = np.arange(len(chosen)), np.full(len(chosen), 2**62)
    balls = Balls(memory.graph, len(chosen))
    sizes = np.stack([np.bincount(balls.around(rows, chosen, k, limit).owner, minlength=len(chosen)) for k in ks])
    return sizes, np.asarray(ks)[:, None] * balls.around(rows, chosen, 1, limit).generated


def success_by_hops(
    agent: Any,
    memory: MemoryGraph,
    *,
    hops: Sequence[int] = (1, 2, 4, 8, 16, 24),
    seed: int = 0,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """How often memoryless sampling meets its goal, beside a search, by the hops between start and goal (Fig. 3).

    All may spend the same: a walker 50 hops, the search 50 expansions. The search is best-first by the
    same D; Dijkstra without a limit stands for the exhaustive search of Algorithm 1.

    Args:
        agent: fitted.
        memory: the graph.
        hops: least edges from start to goal; those that the graph has too few pairs of are left out.
        seed: of the draws.

    Returns:
        (J,) hops, and by sampler (J,) bool, whether it met the goal.

    Raises:
        ProtocolError: if no number of hops has enough pairs.
    """
    tasks, depth = pairs_at(memory, hops, _PAIRS, in_hops=True, seed=seed)
    learned = vertex_heuristic(agent, memory)
    assert learned is not None

    def walk(chance: float) -> np.ndarray:
        return graph_walk(agent, memory, tasks, epsilon=chance, horizon=_SPENT, heuristic=learned, seed=seed).success_02

    best = partial(best_first, heuristic=learned, budget=SearchBudget(max_expansions=_SPENT))
    return depth, {
        "random walk": walk(1.0),
        "greedy": walk(0.0),
        f"epsilon-greedy, {_EPSILON:g}": walk(_EPSILON),
        "best-first search": budgeted_search(memory, tasks.pairs, best)[0].success,
        "dijkstra, no limit": budgeted_search(memory, tasks.pairs, dijkstra)[0].success,
    }


def pairs_at(
    memory: MemoryGraph, depths: Sequence[float], per_depth: int, *, in_hops: bool, seed: int
) -> tuple[GraphTasks, np.ndarray]:
    """Random vertex pairs whose cheapest way has a wanted length, and (J,) that length.

    Args:
        memory: the graph.
        depths: wanted lengths, in hops (exactly) or steps (to within a half).
        per_depth: pairs of each; a depth with fewer pairs is left out.
        in_hops: whether edges are counted, rather than their weights added.
        seed: of the draws.

    Raises:
        ProtocolError: if no depth has enough pairs.
    """
    rng = np.random.default_rng(seed)
    sources = rng.choice(memory.num_vertices, min(_SOURCES, memory.num_vertices), replace=False)
    distance = cheapest_costs(memory.graph.matrix, unweighted=in_hops, indices=sources)
    pairs, length = [], []
    for depth in depths:
        row, vertex = np.nonzero(distance == depth if in_hops else np.abs(distance - depth) <= 0.5)
        if len(row) >= per_depth:
            chosen = rng.choice(len(row), per_depth, replace=False)
            pairs.append(np.stack([sources[row[chosen]], vertex[chosen]], axis=1))
            length.append(np.full(per_depth, depth))
    if not pairs:
        raise ProtocolError(f"the graph has no {per_depth} vertex pairs at any distance of {list(depths)}")
    return GraphTasks.of(memory, np.concatenate(pairs)), np.concatenate(length)


def exponent(depth: np.ndarray, quantity: np.ndarray) -> float | None:
    """The slope b of log quantity = a + b log depth by least squares; None for fewer than two different depths.

    Args:
        depth: (J,) positive.
        quantity: (J,); numbers below 1 count as 1.
    """
    if len(np.unique(depth)) < 2:
        return None
    x, y = np.log(np.asarray(depth, float)), np.log(np.maximum(np.asarray(quantity, float), 1))
    return round(float(np.polyfit(x, y, 1)[0]), 3)
