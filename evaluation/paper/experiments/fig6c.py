"""Fig. 6c: what a plan costs to find, by how long it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...figures.curves import Line
from ...protocols.memory_graph import memory_graph
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import PLAN2VEC, runs_of
from ..lab.scores import average
from ..lab.sweeps import sweep
from ..protocols.planning_cost import ball_sizes, exponent, planning_cost

_COSTS = ("expanded", "generated")


@register_experiment
class Fig6c(Experiment):
    """Expansions against depth."""

    id = "fig6c"
    title = "Fig. 6c: planning cost against depth"
    seeds = 5
    repeats_size = True
    groups = ("rooms", "room")
    about = (
        "Random pairs on the memory graph of 3000 frames whose cheapest plan is so many steps long. Expanded: vertices "
        "whose edges a search looks at; generated: edges it looks at. Exponent b: slope of log cost over log depth, "
        "mean over seeds of least-squares fits (smallest to largest). The released code suggests that the paper's "
        "curves are sizes of k-step balls; those are fitted too."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per room and seed."""
        return runs_of(plan, [PLAN2VEC], ROOMS)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Every search at every depth, means only."""
        source = Source.of(run.params)
        agent = cache.agent(PLAN2VEC, source)
        memory = memory_graph(agent, cache.dataset(source))
        depth, found = planning_cost(agent, memory, seed=source.seed)
        depths = sorted(set(depth.tolist()))
        searches = {}
        for name, record in found.items():
            reached = record["success"]
            searches[name] = {
                **{key: [round(float(record[key][depth == d].mean()), 2) for d in depths] for key in _COSTS},
                "success": round(float(reached.mean()), 4),
                "cost_ratio": round(float(record["cost_ratio"][reached].mean()), 4) if reached.any() else None,
                "exponents": {key: exponent(record["optimum"][reached], record[key][reached]) for key in _COSTS},
            }
        ks = range(1, 8)
        balls, walks = ball_sizes(memory, ks, seed=source.seed)
        edges = np.repeat(ks, balls.shape[1])
        exponents = {"ball": exponent(edges, balls.ravel()), "walk": exponent(edges, walks.ravel())}
        return {"depths": depths, "searches": searches, "balls": exponents}

    def say(self, result: dict[str, Any]) -> str:
        """The exponent of Dijkstra and of the last search."""
        names = list(result["searches"])
        return ", ".join(f"{name} {result['searches'][name]['exponents']['expanded']:.2f}" for name in names)

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Mean curves and exponents of all searches in a room."""
        depths = sorted(set.intersection(*(set(run["depths"]) for run in runs)))

        def search(each: list[dict[str, Any]]) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for key in _COSTS:
                at = [dict(zip(run["depths"], one[key], strict=True)) for run, one in zip(runs, each, strict=True)]
                found[key] = [average([values[depth] for values in at], 2) for depth in depths]
            found["exponents"] = {key: _over_seeds([one["exponents"][key] for one in each]) for key in _COSTS}
            return found | {key: _over_seeds([one[key] for one in each]) for key in ("success", "cost_ratio")}

        return {
            "depths": depths,
            "searches": {name: search([run["searches"][name] for run in runs]) for name in runs[0]["searches"]},
            "balls": {key: _over_seeds([run["balls"][key] for run in runs]) for key in runs[0]["balls"]},
        }

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a room."""
        return [_table(room, pooled) for room, pooled in summary["rooms"].items()]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a room, both axes logarithmic."""
        panels = {
            room: [
                Line(name, pooled["depths"], search["expanded"], faint="oracle" in name)
                for name, search in pooled["searches"].items()
            ]
            for room, pooled in summary["rooms"].items()
        }
        caption = "Vertices expanded by each search, mean over seeds; a straight line of slope b is a power b of depth."
        look: dict[str, Any] = {"y_label": "expanded vertices", "log_x": True, "log_y": True}
        return [sweep("fig6c.png", caption, panels, "depth of the cheapest plan, steps", **look)]


def _over_seeds(values: list[float | None]) -> dict[str, float | None] | None:
    known = [value for value in values if value is not None]
    return {"value": average(known, 3), "low": min(known), "high": max(known)} if known else None


def _table(room: str, pooled: dict[str, Any]) -> Table:
    rows = []
    for name, search in pooled["searches"].items():
        kind = "oracle" if "oracle" in name else "ours" if name.startswith(("best", "greedy")) else ""
        at = [f"{a:,.0f} / {b:,.0f}" for a, b in zip(search["expanded"], search["generated"], strict=True)]
        ratio = search["cost_ratio"]
        tail = [*(_exponent(search["exponents"][key]) for key in _COSTS), f"{100 * search['success']['value']:.1f}"]
        rows.append((kind, [name, *at, *tail, f"{ratio['value']:.3f}" if ratio else "–"]))
    balls = ", ".join(f"{key} {_exponent(value)}" for key, value in pooled["balls"].items())
    head = ["expanded / generated", *(f"{depth:g} steps" for depth in pooled["depths"])]
    head += ["b, expanded", "b, generated", "found, %", "cost / cheapest"]
    return Table(f"{room}: planning cost by depth", head, rows, [f"Exponents of ball and walk sizes: {balls}."])


def _exponent(found: dict[str, float] | None) -> str:
    return "–" if found is None else f"{found['value']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
