"""Fig. 6b: success against lookahead and queue size, on the same memory graph."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from agents.graphs.search import SearchBudget, best_first

from ...figures import curves
from ...protocols.graph_walk import graph_walk
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import graph_tasks, memory_graph
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import BY_KEY, PLAN2VEC, RANDOM_NETWORK, SPTM_1, UNIFORM, VAE_2, runs_of
from ..lab.scores import average, bits, grouped, number, percent, rate, row, success
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
        walks: dict[str, Any] = {}
        for k in LOOKAHEADS:
            for kind in ("path cost + D", "D alone") if k > 1 and heuristic is not None else ("path cost + D",):
                walks.setdefault(kind, {})[str(k)] = bits(
                    graph_walk(
                        agent,
                        memory,
                        tasks,
                        budget=SearchBudget(lookahead=k),
                        add_path_cost=kind != "D alone",
                        seed=source.seed,
                        heuristic=heuristic,
                    ).success_02
                )
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

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rooms -> methods -> curves over k and |H|."""
        rooms = grouped(found, ("room", "name"), _pool)
        return {"size": plan.rollouts, "seeds": plan.num_seeds(5), "rooms": rooms}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table of lookaheads and one of queue sizes for each room."""
        return [make(room, by_key) for room, by_key in summary["rooms"].items() for make in (_lookaheads, _queues)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a room."""
        panels = []
        for room, by_key in summary["rooms"].items():
            lines = []
            for key, pooled in by_key.items():
                for kind, curve in pooled["walks"].items():
                    look = {"faint": kind == "D alone", "like": BY_KEY[key].label}
                    lines.append(
                        curves.Line.of_shares(_label(key, kind), [int(k) for k in curve], curve.values(), **look)
                    )
            panels.append(curves.Panel(room, "lookahead k", "success, %", lines))
        caption = "Success against lookahead; dashed: the least D alone, which procrastinates (Algorithm 2, line 6)."
        return [Figure("fig6b.png", curves.curves_figure(panels, height=4.4), caption)]


def _pool(results: list[dict[str, Any]]) -> dict[str, Any]:
    first = results[0]
    walks = {
        kind: {k: success([one["walks"][kind] for one in results], k) for k in curve}
        for kind, curve in first["walks"].items()
    }
    queues = {}
    for size in first["queues"]:
        each = [one["queues"][size] for one in results]
        queues[size] = {
            "success": success(each, "success"),
            "expanded": average([one["expanded"] for one in each], 2),
            "cost_ratio": average([one["cost_ratio"] for one in each], 4),
        }
    return {"walks": walks, "queues": queues}


def _label(key: str, kind: str) -> str:
    return BY_KEY[key].label + (", D alone" if kind == "D alone" else "")


def _lookaheads(room: str, by_key: dict[str, Any]) -> Table:
    rows = []
    for key, pooled in by_key.items():
        for kind, curve in pooled["walks"].items():
            cells = [percent(curve.get(str(k))) for k in LOOKAHEADS]
            rows.append(row(_label(key, kind), *cells, ours=key == "plan2vec" and kind != "D alone"))
    return Table(f"{room}: success against lookahead, %", ["", *(f"k = {k}" for k in LOOKAHEADS)], rows)


def _queues(room: str, by_key: dict[str, Any]) -> Table:
    rows = []
    for key, pooled in by_key.items():
        if not pooled["queues"]:
            continue
        cells = []
        for size in QUEUES:
            found = pooled["queues"][str(size)]
            cost = number(found["cost_ratio"], ".3f")
            cells.append(f"{percent(found['success'])}\n{found['expanded']:.1f} expanded, cost {cost}")
        rows.append(row(BY_KEY[key].label, *cells, ours=key == "plan2vec"))
    head = ["", *(f"|H| = {'∞' if size is None else size}" for size in QUEUES)]
    note = f"At most {MAX_EXPANSIONS} expansions; cost: of the found paths, over the cheapest."
    return Table(f"{room}: best-first search by D, success, %", head, rows, [note])
