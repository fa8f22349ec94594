"""Fig. 6c: what a plan costs to find, by how long it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...figures import curves
from ...protocols.memory_graph import memory_graph
from ...protocols.worlds import short_name
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import PLAN2VEC, rooms_and_seeds
from ..protocols.planning_cost import ball_sizes, exponent, planning_cost

_COSTS = ("expanded", "generated")


@register_experiment
class Fig6c(Experiment):
    """Expansions against depth."""

    id = "fig6c"
    title = "Fig. 6c: planning cost against depth"
    about = (
        "Random pairs on the memory graph of 3000 frames whose cheapest plan is so many steps long. Expanded: vertices "
        "whose edges a search looks at; generated: edges it looks at. Exponent b: slope of log cost over log depth, "
        "mean over seeds of least-squares fits (smallest to largest). The released code suggests that the paper's "
        "curves are sizes of k-step balls; those are fitted too."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per room and seed."""
        return [run for _, _, runs in rooms_and_seeds(plan, [PLAN2VEC], ROOMS) for run in runs]

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

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rooms -> searches -> mean curves and exponents of all seeds."""
        rooms: dict[str, list[dict[str, Any]]] = {}
        for run, result in found:
            rooms.setdefault(short_name(run.params["env_id"]), []).append(result)
        return {
            "size": plan.rollouts,
            "seeds": plan.num_seeds(5),
            "rooms": {room: _pool(results) for room, results in rooms.items()},
        }

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a room."""
        return [_table(room, pooled) for room, pooled in summary["rooms"].items()]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a room, both axes logarithmic."""
        panels = [
            curves.Panel(
                room,
                "depth of the cheapest plan, steps",
                "expanded vertices",
                [
                    curves.Line(name, pooled["depths"], search["expanded"], faint="oracle" in name)
                    for name, search in pooled["searches"].items()
                ],
                log_x=True,
                log_y=True,
            )
            for room, pooled in summary["rooms"].items()
        ]
        caption = "Vertices expanded by each search, mean over seeds; a straight line of slope b is a power b of depth."
        return [Figure("fig6c.png", curves.curves_figure(panels), caption)]


def _pool(results: list[dict[str, Any]]) -> dict[str, Any]:
    depths = sorted(set.intersection(*(set(result["depths"]) for result in results)))

    def curve(name: str, key: str) -> list[float]:
        at = [dict(zip(one["depths"], one["searches"][name][key], strict=True)) for one in results]
        return [round(float(np.mean([values[depth] for values in at])), 2) for depth in depths]

    def over_seeds(values: list[float | None]) -> dict[str, float] | None:
        there = [value for value in values if value is not None]
        if not there:
            return None
        return {"value": round(float(np.mean(there)), 3), "low": min(there), "high": max(there)}

    return {
        "depths": depths,
        "searches": {
            name: {
                "expanded": curve(name, "expanded"),
                "generated": curve(name, "generated"),
                "exponents": {
                    key: over_seeds([one["searches"][name]["exponents"][key] for one in results])
                    for key in ("expanded", "generated")
                },
                "success": over_seeds([one["searches"][name]["success"] for one in results]),
                "cost_ratio": over_seeds([one["searches"][name]["cost_ratio"] for one in results]),
            }
            for name in results[0]["searches"]
        },
        "balls": {key: over_seeds([one["balls"][key] for one in results]) for key in results[0]["balls"]},
    }


def _table(room: str, pooled: dict[str, Any]) -> Table:
    rows = []
    for name, search in pooled["searches"].items():
        kind = "oracle" if "oracle" in name else "ours" if name.startswith(("best", "greedy")) else ""
        at = [f"{a:,.0f} / {b:,.0f}" for a, b in zip(search["expanded"], search["generated"], strict=True)]
        ratio = search["cost_ratio"]
        tail = [_exponent(search["exponents"]["expanded"]), _exponent(search["exponents"]["generated"])]
        rows.append(
            (
                kind,
                [
                    name,
                    *at,
                    *tail,
                    f"{100 * search['success']['value']:.1f}",
                    f"{ratio['value']:.3f}" if ratio else "–",
                ],
            )
        )
    balls = ", ".join(f"{key} {_exponent(value)}" for key, value in pooled["balls"].items())
    head = ["expanded / generated", *(f"{depth:g} steps" for depth in pooled["depths"])]
    head += ["b, expanded", "b, generated", "found, %", "cost / cheapest"]
    return Table(f"{room}: planning cost by depth", head, rows, [f"Exponents of ball and walk sizes: {balls}."])


def _exponent(found: dict[str, float] | None) -> str:
    return "–" if found is None else f"{found['value']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
