"""Fig. 8: what it costs to plan through streets, by planner and heuristic."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents.graphs.search import PlanBatch, dijkstra
from plan2vec_envs.image_graph import WorldGraph
from plan2vec_envs.image_graph.distances import hops_from

from ...protocols.stats import interval
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Table, register_experiment
from ..lab.scores import average, grouped, mean_of, number, percent, plain
from ..protocols.decision_cost import decision_cost
from ..streets import streets
from ..streets.street_planners import ALT, LABELS, alt_heuristic, planners, table_of

HOPS = {"tiny": 20, "small": 40, "medium": 60, "large": 100, "xl": 150, "full": 200}
"""World -> links between start and goal, about."""
LEAST_STEP = 1.0


@register_experiment
class Fig8(Experiment):
    """Expanded and generated vertices a step, with the cost of the plans."""

    id = "fig8"
    title = "Fig. 8: planning cost in streets"
    choices = tuple(HOPS)
    about = (
        "The true street graph, links in median links (at least one). Plans between places about so many links apart; "
        "the same pairs for all. plan2vec's table keeps up to 256 numbers a place (512 above 10,000 places), made from "
        "the shortest paths of up to 2,000 (3,000) landmarks: on a smaller map, of all places. ALT keeps as many "
        "numbers a place as it has landmarks; straight line and grid read coordinates. Expanded: vertices whose links "
        "were looked at, over the links of the cheapest plan. The cost ratio is to the cheapest plan."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per world and seed."""
        names = streets.worlds_at_hand(plan.only or ("large", "full"))
        pairs = 40 if plan.preset.comparable else 5
        return [
            Run(f"{name} seed {seed}", "planners", {"world": name, "seed": seed, "pairs": pairs, "decision": True})
            for name in names
            for seed in range(plan.num_seeds(1))
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """All planners on the same pairs."""
        world = streets.street_world(run.params["world"])
        graph = streets.true_graph(world, LEAST_STEP)
        rng = np.random.default_rng(run.params["seed"])
        longest = HOPS.get(world.name, 60)
        start, goal = _pairs(world, longest, run.params["pairs"], rng)
        began = time.process_time()
        table, figures = table_of(world, graph, run.params["seed"])
        seconds = {"table": time.process_time() - began}
        alt = {}
        for count in ALT:
            began = time.process_time()
            alt[count] = alt_heuristic(graph, count)
            seconds[f"alt-{count}"] = time.process_time() - began
        optimum = dijkstra(graph, start, goal)
        result: dict[str, Any] = {"seconds": seconds, "places": world.num_places, "table": figures, "planners": {}}
        for name, plan in planners(world, graph, table, alt).items():
            began = time.process_time()
            found = plan(start, goal)
            result["planners"][name] = _costs(found, optimum, time.process_time() - began)
        corners = corner_query(world)
        result["corners"] = {
            name: _costs(plan(*corners), dijkstra(graph, *corners), 0.0)
            for name, plan in planners(world, graph, table, alt).items()
        }
        lengths = np.geomspace(5, longest, run.params["pairs"]).astype(int)
        ends = [_pairs(world, int(length), 1, rng) for length in lengths]
        result["decision"] = decision_cost(graph, table, *(np.concatenate(side) for side in zip(*ends, strict=True)))
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Best-first by the table."""
        found = result["planners"]["best-first-table"]
        return f"best-first by plan2vec {np.mean(found['expanded']):.3f} expansions a step"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Worlds -> planners -> pooled figures."""
        return {"worlds": grouped(found, ["world"], _summary)}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a world."""
        tables = []
        for name, world in summary["worlds"].items():
            rows = [(_kind(key, label), [label, *_row(world, key)]) for key, label in LABELS.items()]
            head = ["", "expanded a step", "generated a step", "cost ratio", "reached, %", "ms a plan", "one query"]
            note = (
                f"{world['pairs']} pairs about {world['hops']:.0f} links apart, {world['places']:,} places. The table "
                f"took {world['table_seconds']:.1f} CPU s ({world['dimensions']:.0f} dimensions), ALT "
                + ", ".join(f"{seconds:.2f} ({count} landmarks)" for count, seconds in world["alt_seconds"].items())
                + ". Mean [95 % bootstrap over pairs]; figures a step and ratios over plans that reached the goal. One "
                "query: expanded a step between the 10 % and 90 % corners, as in the released code."
            )
            tables.append(Table(f"{name}: planning cost", head, rows, [note]))
        decisions = [
            ("ours", [name, f"{world['places']:,}", *_decision(world["decision"])])
            for name, world in summary["worlds"].items()
            if world.get("decision")
        ]
        head = ["", "places", "us a decision", "arrived, %", "longest way, decisions", "exponent of time in length"]
        note = (
            "One driver by itself, latents of the neighbours at hand, with a visited set: median [5 %, 95 %] over ways "
            "from 5 links up. Of the ways that arrived. Exponent 1: a way of twice the length takes twice as long."
        )
        return [*tables, Table("One decision by one look-up", head, decisions, [note])]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Expanded places on the map, of the one query."""
        from ..figures.streets import expansions_figure

        drawn = []
        for name in summary["worlds"]:
            world = streets.street_world(name)
            graph = streets.true_graph(world, LEAST_STEP)
            table, _ = table_of(world, graph, 0)
            drawn.append(
                Figure(
                    f"{name}.png",
                    expansions_figure(world, graph, table, *(int(end[0]) for end in corner_query(world))),
                    f"{name}: places expanded between two corners, in grey; the plan in red.",
                )
            )
        return drawn


def corner_query(world: WorldGraph) -> tuple[np.ndarray, np.ndarray]:
    """The places nearest to the corners at 10 % and 90 % of the map, one each (Fig. 8 in the released code)."""
    low, high = world.oracle_position.min(0), world.oracle_position.max(0)
    ends = [int(np.hypot(*(world.oracle_position - (low + share * (high - low))).T).argmin()) for share in (0.1, 0.9)]
    return np.array(ends[:1]), np.array(ends[1:])


def _pairs(world: WorldGraph, hops: int, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    starts: list[int] = []
    goals: list[int] = []
    while len(starts) < count:
        start = int(rng.integers(world.num_places))
        away = hops_from(world, start, hops)
        far = np.flatnonzero(np.isfinite(away) & (away >= 0.9 * hops))
        if not len(far):  # a small world has none that far from its middle
            far = np.flatnonzero(away == away[np.isfinite(away)].max())
        starts.append(start)
        goals.append(int(rng.choice(far)))
    return np.array(starts), np.array(goals)


def _costs(found: PlanBatch, optimum: PlanBatch, seconds: float) -> dict[str, Any]:
    hops = np.maximum(optimum.hops, 1)
    return {
        "reached": found.success.tolist(),
        "expanded": np.round(found.expanded[found.success] / hops[found.success], 4).tolist(),
        "generated": np.round(found.generated[found.success] / hops[found.success], 4).tolist(),
        "ratio": np.round(found.cost_ratio(optimum.cost)[found.success], 5).tolist(),
        "hops": float(hops[found.success].mean()) if found.success.any() else None,
        "ms": round(1e3 * seconds / len(found), 3),
    }


def _summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    rows = {}
    for name in results[0]["planners"]:
        each = [result["planners"][name] for result in results]
        flat = {key: [v for one in each for v in one[key]] for key in ("expanded", "generated", "ratio", "reached")}
        rows[name] = {
            **{key: mean_of(flat[key]) for key in ("expanded", "generated", "ratio")},
            "reached": vars(interval(np.array(flat["reached"], bool)[None])),
            "ms": average([one["ms"] for one in each], 3),
            "one": results[0]["corners"][name]["expanded"],
        }
    return {
        "places": results[0]["places"],
        "pairs": sum(len(result["planners"]["dijkstra"]["reached"]) for result in results),
        "hops": float(np.mean([result["planners"]["dijkstra"]["hops"] for result in results])),
        "table_seconds": average([result["seconds"]["table"] for result in results], 2),
        "alt_seconds": {n: average([result["seconds"][f"alt-{n}"] for result in results], 3) for n in ALT},
        "dimensions": results[0]["table"]["dimensions"],
        "planners": rows,
        "decision": results[0]["decision"],
    }


def _decision(found: dict[str, float]) -> list[str]:
    us = f"{found['us']:.1f} [{found['us_low']:.1f}, {found['us_high']:.1f}]"
    return [us, f"{100 * found['arrived']:.0f}", f"{found['longest']:.0f}", number(found["exponent"], ".2f")]


def _kind(key: str, label: str) -> str:
    return "ours" if "table" in key else "oracle" if "GPS" in label else ""


def _row(world: dict[str, Any], key: str) -> list[str]:
    found = world["planners"][key]
    return [
        plain(found["expanded"], ".3f"),
        plain(found["generated"], ".2f"),
        plain(found["ratio"], ".4f"),
        percent(found["reached"]),
        f"{found['ms']:.2f}",
        f"{found['one'][0]:.3f}" if found["one"] else "–",
    ]
