"""Fig. 8: what it costs to plan through streets, by planner and heuristic."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents.graphs.search import PlanBatch, dijkstra
from plan2vec_envs.image_graph import WorldGraph
from plan2vec_envs.image_graph.distances import hops_from

from ...protocols.stats import interval
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Table, crossed, register_experiment
from ..lab.scores import Column, average, averages, mean_of, number, percent, plain, table
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
    groups = ("worlds", "world")
    about = (
        "The true street graph, links in median links (at least one). Plans between places about so many links apart; "
        "the same pairs for all. plan2vec's table keeps up to 256 numbers a place (512 above 10,000 places), made from "
        "the shortest paths of up to 2,000 (3,000) landmarks: on a smaller map, of all places. ALT keeps as many "
        "numbers a place as it has landmarks; straight line and grid read coordinates. Expanded: vertices whose links "
        "were looked at, over the links of the cheapest plan. The cost ratio is to the cheapest plan."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per world and seed."""
        axes = {"world": streets.worlds_at_hand(plan.only or ("large", "full")), "seed": range(plan.num_seeds(1))}
        pairs = 40 if plan.preset.comparable else 5
        return crossed("{world} seed {seed}", "planners", axes, pairs=pairs, decision=True)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """All planners on the same pairs."""
        world = streets.street_world(run.params["world"])
        graph = streets.true_graph(world, LEAST_STEP)
        rng = np.random.default_rng(run.params["seed"])
        longest = HOPS.get(world.name, 60)
        start, goal = _pairs(world, longest, run.params["pairs"], rng)
        began = time.process_time()
        numbers, figures = table_of(world, graph, run.params["seed"])
        seconds = {"table": time.process_time() - began}
        alt = {}
        for count in ALT:
            began = time.process_time()
            alt[count] = alt_heuristic(graph, count)
            seconds[f"alt-{count}"] = time.process_time() - began
        optimum = dijkstra(graph, start, goal)
        result: dict[str, Any] = {"seconds": seconds, "places": world.num_places, "table": figures, "planners": {}}
        for name, plan in planners(world, graph, numbers, alt).items():
            began = time.process_time()
            found = plan(start, goal)
            result["planners"][name] = _costs(found, optimum, time.process_time() - began)
        corners = corner_query(world)
        result["corners"] = {
            name: _costs(plan(*corners), dijkstra(graph, *corners), 0.0)
            for name, plan in planners(world, graph, numbers, alt).items()
        }
        lengths = np.geomspace(5, longest, run.params["pairs"]).astype(int)
        ends = [_pairs(world, int(length), 1, rng) for length in lengths]
        result["decision"] = decision_cost(graph, numbers, *(np.concatenate(side) for side in zip(*ends, strict=True)))
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Best-first by the table."""
        found = result["planners"]["best-first-table"]
        return f"best-first by plan2vec {np.mean(found['expanded']):.3f} expansions a step"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """The planners in a world, and what they rest on."""
        rows = {}
        for name in runs[0]["planners"]:
            each = [run["planners"][name] for run in runs]
            flat = {key: [v for one in each for v in one[key]] for key in ("expanded", "generated", "ratio", "reached")}
            rows[name] = {
                **{key: mean_of(flat[key]) for key in ("expanded", "generated", "ratio")},
                "reached": vars(interval(np.array(flat["reached"], bool)[None])),
                **averages(each, ms=3),
                "one": runs[0]["corners"][name]["expanded"],
            }
        return {
            "places": runs[0]["places"],
            "pairs": sum(len(run["planners"]["dijkstra"]["reached"]) for run in runs),
            "hops": float(np.mean([run["planners"]["dijkstra"]["hops"] for run in runs])),
            "table_seconds": average([run["seconds"]["table"] for run in runs], 2),
            "alt_seconds": {n: average([run["seconds"][f"alt-{n}"] for run in runs], 3) for n in ALT},
            "dimensions": runs[0]["table"]["dimensions"],
            "planners": rows,
            "decision": runs[0]["decision"],
        }

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a world."""
        tables = []
        for name, world in summary["worlds"].items():
            kinds = {key: "ours" if "table" in key else "oracle" * ("GPS" in label) for key, label in LABELS.items()}
            rows = [(kinds[key], label, world["planners"][key]) for key, label in LABELS.items()]
            note = (
                f"{world['pairs']} pairs about {world['hops']:.0f} links apart, {world['places']:,} places. The table "
                f"took {world['table_seconds']:.1f} CPU s ({world['dimensions']:.0f} dimensions), ALT "
                + ", ".join(f"{seconds:.2f} ({count} landmarks)" for count, seconds in world["alt_seconds"].items())
                + ". Mean [95 % bootstrap over pairs]; figures a step and ratios over plans that reached the goal. One "
                "query: expanded a step between the 10 % and 90 % corners, as in the released code."
            )
            tables.append(table(f"{name}: planning cost", "", _COLUMNS, rows, note))
        decisions = [("ours", name, world) for name, world in summary["worlds"].items() if world.get("decision")]
        note = (
            "One driver by itself, latents of the neighbours at hand, with a visited set: median [5 %, 95 %] over ways "
            "from 5 links up. Of the ways that arrived. Exponent 1: a way of twice the length takes twice as long."
        )
        return [*tables, table("One decision by one look-up", "", _OF_DECISIONS, decisions, note)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Expanded places on the map, of the one query."""
        from ..figures.streets import expansions_figure

        drawn = []
        for name in summary["worlds"]:
            world = streets.street_world(name)
            graph, (start, goal) = streets.true_graph(world, LEAST_STEP), corner_query(world)
            numbers, _ = table_of(world, graph, 0)
            data = expansions_figure(world, graph, numbers, int(start[0]), int(goal[0]))
            caption = f"{name}: places expanded between two corners, in grey; the plan in red."
            drawn.append(Figure(f"{name}.png", data, caption))
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


_COLUMNS: tuple[Column, ...] = (
    ("expanded a step", lambda found: plain(found["expanded"], ".3f")),
    ("generated a step", lambda found: plain(found["generated"], ".2f")),
    ("cost ratio", lambda found: plain(found["ratio"], ".4f")),
    ("reached, %", lambda found: percent(found["reached"])),
    ("ms a plan", lambda found: f"{found['ms']:.2f}"),
    ("one query", lambda found: f"{found['one'][0]:.3f}" if found["one"] else "–"),
)
_OF_DECISIONS: tuple[Column, ...] = (
    ("places", lambda world: f"{world['places']:,}"),
    ("us a decision", lambda world: "{us:.1f} [{us_low:.1f}, {us_high:.1f}]".format(**world["decision"])),
    ("arrived, %", lambda world: f"{100 * world['decision']['arrived']:.0f}"),
    ("longest way, decisions", lambda world: f"{world['decision']['longest']:.0f}"),
    ("exponent of time in length", lambda world: number(world["decision"]["exponent"], ".2f")),
)
