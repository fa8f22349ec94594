"""Fig. 6b: success against lookahead and queue size, on the same memory graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.graphs.search import SearchBudget

from ...figures import curves
from ...protocols.graph_walk import graph_walk
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import graph_tasks, memory_graph
from ...protocols.worlds import short_name
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import BY_KEY, PLAN2VEC, RANDOM_NETWORK, SPTM_1, UNIFORM, VAE_2, rooms_and_seeds
from ..lab.scores import bits, flags, interval, percent, rate
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
        return [run for _, _, runs in rooms_and_seeds(plan, METHODS, ROOMS) for run in runs]

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
        queues = {}
        for size in QUEUES if heuristic is not None else ():
            budget = SearchBudget(queue_size=size, max_expansions=MAX_EXPANSIONS)
            found, optimum = budgeted_search(memory, tasks.pairs, heuristic, budget)
            ratio = found.cost_ratio(optimum)[found.success]
            queues[str(size)] = {
                "success": bits(found.success),
                "expanded": round(float(np.mean(found.expanded)), 2),
                "cost_ratio": round(float(np.mean(ratio)), 4) if len(ratio) else None,
            }
        return {"walks": walks, "queues": queues}

    def say(self, result: dict[str, Any]) -> str:
        """Success at both ends."""
        row = result["walks"]["path cost + D"]
        return ", ".join(f"k = {k}: {rate(row[k]):.1%}" for k in (min(row), max(row)))

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rooms -> methods -> curves over k and |H|."""
        rooms: dict[str, Any] = {}
        for run, result in found:
            room = rooms.setdefault(short_name(run.params["env_id"]), {})
            room.setdefault(run.name, []).append(result)
        return {
            "size": plan.rollouts,
            "seeds": plan.num_seeds(5),
            "rooms": {room: {key: _pool(results) for key, results in by_key.items()} for room, by_key in rooms.items()},
        }

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
                    own = BY_KEY[key].label
                    label = own + (", D alone" if kind == "D alone" else "")
                    rows = [(int(k), row) for k, row in curve.items()]
                    y, low, high = ([100 * row[end] for _, row in rows] for end in ("value", "low", "high"))
                    x, faint = [k for k, _ in rows], kind == "D alone"
                    lines.append(curves.Line(label, x, y, low, high, faint=faint, like=own))
            panels.append(curves.Panel(room, "lookahead k", "success, %", lines))
        caption = "Success against lookahead; dashed: the least D alone, which procrastinates (Algorithm 2, line 6)."
        return [Figure("fig6b.png", curves.curves_figure(panels, height=4.4), caption)]


def _pool(results: list[dict[str, Any]]) -> dict[str, Any]:
    def pooled(rows: list[str]) -> dict[str, float]:
        return vars(interval(np.stack([flags(row) for row in rows])))

    first = results[0]
    return {
        "walks": {
            kind: {k: pooled([one["walks"][kind][k] for one in results]) for k in curve}
            for kind, curve in first["walks"].items()
        },
        "queues": {
            size: {
                "success": pooled([one["queues"][size]["success"] for one in results]),
                "expanded": round(float(np.mean([one["queues"][size]["expanded"] for one in results])), 2),
                "cost_ratio": _mean([one["queues"][size]["cost_ratio"] for one in results]),
            }
            for size in first["queues"]
        },
    }


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(float(np.mean(there)), 4) if there else None


def _lookaheads(room: str, by_key: dict[str, Any]) -> Table:
    rows = []
    for key, pooled in by_key.items():
        for kind, curve in pooled["walks"].items():
            label = BY_KEY[key].label + (", D alone" if kind == "D alone" else "")
            cells = [percent(curve.get(str(k))) for k in LOOKAHEADS]
            rows.append(("ours" if key == "plan2vec" and kind != "D alone" else "", [label, *cells]))
    return Table(f"{room}: success against lookahead, %", ["", *(f"k = {k}" for k in LOOKAHEADS)], rows)


def _queues(room: str, by_key: dict[str, Any]) -> Table:
    rows = []
    for key, pooled in by_key.items():
        if not pooled["queues"]:
            continue
        cells = []
        for size in QUEUES:
            found = pooled["queues"][str(size)]
            ratio = "–" if found["cost_ratio"] is None else f"{found['cost_ratio']:.3f}"
            cells.append(f"{percent(found['success'])}\n{found['expanded']:.1f} expanded, cost {ratio}")
        rows.append(("ours" if key == "plan2vec" else "", [BY_KEY[key].label, *cells]))
    head = ["", *(f"|H| = {'∞' if size is None else size}" for size in QUEUES)]
    note = f"At most {MAX_EXPANSIONS} expansions; cost: of the found paths, over the cheapest."
    return Table(f"{room}: best-first search by D, success, %", head, rows, [note])
