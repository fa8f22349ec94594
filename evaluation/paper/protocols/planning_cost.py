"""How planning gets dearer with distance (Fig. 6c), and how far memoryless sampling gets beside a search (Fig. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra

from agents.graphs.search import Heuristic, SearchBudget
from agents.graphs.search.ball import Balls

from ...errors import ProtocolError
from ...protocols.graph_walk import graph_walk
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import GraphTasks, MemoryGraph
from ...protocols.oracles import StraightLineGreedy
from ...protocols.stats import Interval, wilson
from ...protocols.worlds import room_of
from .budgeted_search import budgeted_search

DEPTHS = (2, 3, 4, 6, 8, 12, 16, 24)
_SOURCES = 256


def planning_cost(
    agent: Any,
    memory: MemoryGraph,
    *,
    depths: Sequence[float] = DEPTHS,
    plans_per_depth: int = 50,
    heuristic: Heuristic | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Vertices expanded and edges looked at by each search, by the cost of the cheapest plan (Fig. 6c).

    Dijkstra; A* with the straight line (an oracle, not admissible where learned edges are shorter than they are) and
    with the agent's D; best-first and greedy by D, which is how plan2vec plans.

    Args:
        agent: fitted.
        memory: the graph.
        depths: steps of the cheapest plan, each to within half a step; those that the graph has too few of are left
            out.
        plans_per_depth: pairs drawn for each.
        heuristic: `vertex_heuristic(agent, memory)`, where it is already at hand.
        seed: of the draws.

    Returns:
        Plain JSON types: `depth` (J,), and under `searches` for each `expanded` and `generated` (J,), `success` (J,),
        `cost_ratio` (J,) with null for failures, and `exponents` by quantity: the slope of log quantity over log depth
        with its 95 % interval, null where nothing was found.

    Raises:
        ProtocolError: if no depth has enough pairs.
    """
    tasks, depth = pairs_at(memory, depths, plans_per_depth, in_hops=False, seed=seed)
    learned = heuristic or vertex_heuristic(agent, memory)
    straight = StraightLineGreedy(room_of(memory.env_id)).heuristic_on(memory)
    ways = {
        "dijkstra": ("dijkstra", learned),
        "a-star, straight line (oracle)": ("a-star", straight),
        f"a-star, {agent.name}": ("a-star", learned),
        f"best-first, {agent.name}": ("best-first", learned),
        f"greedy, {agent.name}": ("greedy", learned),
    }
    cap = SearchBudget(max_expansions=20 * memory.num_vertices)  # A* by an inconsistent D may reopen for very long
    searches = {}
    for name, (search, guess) in ways.items():
        found = budgeted_search(agent, memory, tasks, cap, search=search, heuristic=guess)
        record = found.to_dict()
        searches[name] = {key: record[key] for key in ("expanded", "generated", "success", "cost_ratio")}
        searches[name]["exponents"] = {
            key: _plain(exponent(found.optimum[found.success], getattr(found, key)[found.success], seed=seed))
            for key in ("expanded", "generated")
        }
    return {"env_id": memory.env_id, "agent": agent.name, "depth": depth.tolist(), "searches": searches}


def ball_sizes(
    memory: MemoryGraph, ks: Sequence[int] = range(1, 8), *, centres: int = 100, seed: int = 0
) -> dict[str, Any]:
    """What the released code suggests was measured for Fig. 6c: vertices in the k-step ball, beside k one-step balls.

    Args:
        memory: the graph.
        ks: edges.
        centres: random vertices to average over.
        seed: of the draw.

    Returns:
        Plain JSON types: `k`, the means `ball` (Dijkstra's look-ahead) and `walk` (k moves of a greedy walker), and
        the exponents of both.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(memory.num_vertices, min(centres, memory.num_vertices), replace=False))
    rows, limit = np.arange(len(chosen)), np.full(len(chosen), 2**62)
    balls = Balls(memory.graph, len(chosen))
    sizes = np.stack([np.bincount(balls.around(rows, chosen, k, limit).owner, minlength=len(chosen)) for k in ks])
    walks = np.asarray(ks)[:, None] * balls.around(rows, chosen, 1, limit).generated
    depth = np.repeat(ks, len(chosen)).astype(float)
    return {
        "k": list(ks),
        "ball": sizes.mean(1).tolist(),
        "walk": walks.mean(1).tolist(),
        "exponents": {
            "ball": _plain(exponent(depth, sizes.ravel(), seed=seed)),
            "walk": _plain(exponent(depth, walks.ravel(), seed=seed)),
        },
    }


def success_by_hops(
    agent: Any,
    memory: MemoryGraph,
    *,
    hops: Sequence[int] = (1, 2, 4, 8, 16, 24),
    plans_per_hop: int = 50,
    horizon: int = 50,
    epsilon: float = 0.05,
    heuristic: Heuristic | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """How often memoryless sampling meets its goal, beside a search, by the hops between start and goal (Fig. 3).

    All may spend the same: a walker `horizon` hops, the search `horizon` expansions. The search is best-first by the
    same D; Dijkstra without a limit stands for the exhaustive search of Algorithm 1.

    Args:
        agent: fitted.
        memory: the graph.
        hops: least edges from start to goal; those that the graph has too few pairs of are left out.
        plans_per_hop: pairs drawn for each.
        horizon: of the walkers, and expansions of the search.
        epsilon: of the epsilon-greedy walker.
        heuristic: `vertex_heuristic(agent, memory)`, where it is already at hand.
        seed: of the draws.

    Returns:
        Plain JSON types: `hops` (J,), `success` by sampler (J,), and `rates` by sampler: one entry a hop with its
        Wilson interval.

    Raises:
        ProtocolError: if no number of hops has enough pairs.
    """
    tasks, depth = pairs_at(memory, hops, plans_per_hop, in_hops=True, seed=seed)
    learned = heuristic or vertex_heuristic(agent, memory)

    def walk(chance: float) -> np.ndarray:
        return graph_walk(
            agent, memory, tasks, epsilon=chance, horizon=horizon, heuristic=learned, seed=seed
        ).success_02

    def search(how: str, budget: SearchBudget) -> np.ndarray:
        return budgeted_search(agent, memory, tasks, budget, search=how, heuristic=learned).success

    success = {
        "random walk": walk(1.0),
        "greedy": walk(0.0),
        f"epsilon-greedy, {epsilon:g}": walk(epsilon),
        "best-first search": search("best-first", SearchBudget(max_expansions=horizon)),
        "dijkstra, no limit": search("dijkstra", SearchBudget()),
    }
    present = sorted(set(depth.tolist()))
    rates = {
        name: [{"hops": hop, **vars(wilson(flags[depth == hop]))} for hop in present] for name, flags in success.items()
    }
    return {
        "env_id": memory.env_id,
        "agent": agent.name,
        "horizon": horizon,
        "hops": depth.tolist(),
        "success": {name: flags.tolist() for name, flags in success.items()},
        "rates": rates,
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
    distance = dijkstra(memory.graph.matrix, unweighted=in_hops, indices=sources)
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


def exponent(depth: np.ndarray, quantity: np.ndarray, *, reps: int = 1000, seed: int = 0) -> Interval:
    """The slope b of log quantity = a + b log depth by least squares, with its 95 % percentile bootstrap interval.

    Args:
        depth: (J,) positive.
        quantity: (J,); numbers below 1 count as 1.
        reps: bootstrap samples of the J points.
        seed: of the resampling.

    Returns:
        The interval; all NaN where there are fewer than two different depths.
    """
    x, y = np.log(np.asarray(depth, float)), np.log(np.maximum(np.asarray(quantity, float), 1))
    if len(np.unique(x)) < 2:
        return Interval(float("nan"), float("nan"), float("nan"))
    sample = np.random.default_rng(seed).integers(len(x), size=(reps, len(x)))
    slopes = _slope(x[sample], y[sample])
    low, high = np.nanquantile(slopes, [0.025, 0.975])
    return Interval(float(_slope(x, y)), float(low), float(high))


def _plain(interval: Interval) -> dict[str, float | None]:
    """For JSON: NaN is null."""
    return {name: None if np.isnan(value) else value for name, value in vars(interval).items()}


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    spread = (x * x).sum(-1)
    return np.where(spread > 0, (x * y).sum(-1) / np.where(spread > 0, spread, 1), np.nan)
