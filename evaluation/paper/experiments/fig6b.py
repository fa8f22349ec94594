"""Fig. 6b: success against lookahead and queue size, on the same memory graph."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from agents.graphs.search import SearchBudget, best_first

from ...figures.curves import Line
from ...protocols.graph_walk import graph_walk
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import graph_tasks, memory_graph
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import BY_KEY, PLAN2VEC, RANDOM_NETWORK, SPTM_1, UNIFORM, VAE_2, runs_of
from ..lab.scores import averages, bits, number, percent, rate, row, successes
from ..lab.sweeps import sweep
from ..protocols.planning_cost import budgeted_search

METHODS = (PLAN2VEC, SPTM_1, VAE_2, RANDOM_NETWORK, UNIFORM)
LOOKAHEADS = (1, 2, 3, 4, 5, 6, 7)
QUEUES = (1, 5, 50, None)
MAX_EXPANSIONS = 200


@register_experiment
class Fig6b(Experiment):
    """What more planning is worth."""

    id = "fig6b"
    choices = tuple(method.key for method in METHODS)
    seeds = 5
    repeats_size = True
    groups = ("rooms", "room", "name")
    title = "Fig. 6b: success against lookahead and queue size"
    about = (
        "Walkers on the memory graph of 3000 frames, the same for all, with 50 hops and no memory, within .02 m. At "
        "each decision a walker goes to a vertex of the ball of k edges around it: to the one of least path cost + D "
        "on the rim of the ball (over the whole ball it stops at frames that look like its own), or to the one of "
        "least D alone, as Algorithm 2 has it. Queue size: best-first search by D that keeps the |H| best entries, may "
        f"expand {MAX_EXPANSIONS} vertices, and has to find the goal's own vertex."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per room and seed; one run per method."""
        return runs_of(plan, METHODS, ROOMS)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """All lookaheads and queue sizes for one method."""
        source = Source.of(run.params)
        agent = cache.agent(BY_KEY[run.name], source)
        memory = memory_graph(cache.agent(PLAN2VEC, source), cache.dataset(source))
        tasks = graph_tasks(memory, num_tasks=cache.plan.preset.tasks, seed=source.seed)
        heuristic = vertex_heuristic(agent, memory)
        walk = partial(graph_walk, agent, memory, tasks, seed=source.seed, heuristic=heuristic)
        walks: dict[str, Any] = {}
        for k in LOOKAHEADS:
            for kind in ("path cost + D", "D alone") if k > 1 and heuristic is not None else ("path cost + D",):
                walked = walk(budget=SearchBudget(lookahead=k), add_path_cost=kind != "D alone")
                walks.setdefault(kind, {})[str(k)] = bits(walked.success_02)
        queues: dict[str, Any] = {}
        for size in QUEUES:
            if heuristic is None:
                break
            budget = SearchBudget(queue_size=size, max_expansions=MAX_EXPANSIONS)
            search = partial(best_first, heuristic=heuristic, budget=budget)
            found, optimum = budgeted_search(memory, tasks.pairs, search)
            ratio = found.cost_ratio(optimum)[found.success]
            queues[str(size)] = {
                "success": bits(found.success),
                "expanded": round(float(np.mean(found.expanded)), 2),
                "cost_ratio": round(float(np.mean(ratio)), 4) if len(ratio) else None,
            }
        return {"walks": walks, "queues": queues}

    def say(self, result: dict[str, Any]) -> str:
        """Success at both ends."""
        walk = result["walks"]["path cost + D"]
        return ", ".join(f"k = {k}: {rate(walk[k]):.1%}" for k in (min(walk), max(walk)))

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Curves over k and |H| of a method."""
        first, queues = runs[0], {}
        for size in first["queues"]:
            each = [run["queues"][size] for run in runs]
            queues[size] = successes(each, "success") | averages(each, expanded=2, cost_ratio=4)
        walks = {
            kind: successes([run["walks"][kind] for run in runs], *curve) for kind, curve in first["walks"].items()
        }
        return {"walks": walks, "queues": queues}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table of lookaheads and one of queue sizes for each room."""
        return [make(room, by_key) for room, by_key in summary["rooms"].items() for make in (_lookaheads, _queues)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a room."""
        panels = {
            room: [
                Line.of_shares(label, [int(k) for k in curve], curve.values(), like=BY_KEY[key].label, faint=alone)
                for key, alone, label, curve in _walks(by_key)
            ]
            for room, by_key in summary["rooms"].items()
        }
        caption = "Success against lookahead; dashed: the least D alone, which procrastinates (Algorithm 2, line 6)."
        return [sweep("fig6b.png", caption, panels, "lookahead k", height=4.4)]


def _walks(by_key: dict[str, Any]) -> Iterator[tuple[str, bool, str, dict[str, Any]]]:
    """Key of a method, whether it went by D alone, what both are called together, success by lookahead."""
    for key, pooled in by_key.items():
        for kind, curve in pooled["walks"].items():
            alone = kind == "D alone"
            yield key, alone, BY_KEY[key].label + ", D alone" * alone, curve


def _lookaheads(room: str, by_key: dict[str, Any]) -> Table:
    rows = [
        row(label, *(percent(curve.get(str(k))) for k in LOOKAHEADS), ours=key == "plan2vec" and not alone)
        for key, alone, label, curve in _walks(by_key)
    ]
    return Table(f"{room}: success against lookahead, %", ["", *(f"k = {k}" for k in LOOKAHEADS)], rows)


def _queues(room: str, by_key: dict[str, Any]) -> Table:
    rows = [
        row(BY_KEY[key].label, *(_searches(pooled["queues"][str(size)]) for size in QUEUES), ours=key == "plan2vec")
        for key, pooled in by_key.items()
        if pooled["queues"]
    ]
    head = ["", *(f"|H| = {'∞' if size is None else size}" for size in QUEUES)]
    note = f"At most {MAX_EXPANSIONS} expansions; cost: of the found paths, over the cheapest."
    return Table(f"{room}: best-first search by D, success, %", head, rows, [note])


def _searches(found: dict[str, Any]) -> str:
    cost = number(found["cost_ratio"], ".3f")
    return f"{percent(found['success'])}\n{found['expanded']:.1f} expanded, cost {cost}"
