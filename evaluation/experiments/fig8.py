"""Fig. 8: what it costs to plan through streets, by planner and heuristic."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from agents.graph import Graph
from agents.search import Heuristic, PlanBatch, a_star, best_first, bidirectional, dijkstra, greedy_walk
from agents.shortest_paths import distances_from
from agents.table_embedding import TableConfig, embed_table
from plan2vec_envs.image_graph import WorldGraph
from plan2vec_envs.image_graph.distances import hops_from

from .. import streets
from ..lab import Cell, Experiment, Plan, Table, register_experiment
from ..lab.experiment import Figure, Found
from ..lab.scores import interval, mean_of, percent, plain
from ..lab.workbench import Workbench

HOPS = {"tiny": 20, "small": 40, "medium": 60, "large": 100, "xl": 150, "full": 200}
"""World -> links between start and goal, about."""
GRID_ANGLE = 29.0
"""Degrees by which Manhattan's avenues are turned clockwise from north."""
LEAST_STEP = 1.0
ALT = (16, 64, 256)
LABELS = {
    "dijkstra": "Dijkstra",
    "bidirectional": "Dijkstra from both ends",
    "a-star-l2": "A*, straight line (GPS)",
    "a-star-l1": "A*, along the grid (GPS)",
    "a-star-alt-16": "A*, ALT with 16 landmarks",
    "a-star-alt-64": "A*, ALT with 64 landmarks",
    "a-star-table": "A*, plan2vec",
    "best-first-l2": "best-first, straight line (GPS)",
    "best-first-alt-64": "best-first, ALT with 64 landmarks",
    "best-first-alt-256": "best-first, ALT with 256 landmarks",
    "best-first-table": "best-first, plan2vec",
    "one-visited-alt-64": "one look-up, ALT with 64 landmarks, with visited set",
    "one-visited-alt-256": "one look-up, ALT with 256 landmarks, with visited set",
    "one-visited-table": "one look-up, plan2vec, with visited set",
    "one-memoryless-alt-64": "one look-up, ALT with 64 landmarks, memoryless",
    "one-memoryless-alt-256": "one look-up, ALT with 256 landmarks, memoryless",
    "one-memoryless-table": "one look-up, plan2vec, memoryless",
}


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

    def cells(self, plan: Plan) -> list[Cell]:
        """A cell a world and seed."""
        names = streets.worlds_at_hand(tuple(plan.only) or ("large", "full"))
        pairs = 40 if plan.preset.comparable else 5
        return [
            Cell(f"{name} seed {seed}", "planners", {"world": name, "seed": seed, "pairs": pairs})
            for name in names
            for seed in range(plan.num_seeds(1))
        ]

    def run(self, cell: Cell, bench: Workbench) -> dict[str, Any]:
        """All planners on the same pairs."""
        world = streets.street_world(cell.params["world"])
        graph = streets.true_graph(world, LEAST_STEP)
        rng = np.random.default_rng(cell.params["seed"])
        start, goal = _pairs(world, HOPS.get(world.name, 60), cell.params["pairs"], rng)
        began = time.process_time()
        table, figures = table_of(world, graph, cell.params["seed"])
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
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Best-first by the table."""
        found = result["planners"]["best-first-table"]
        return f"best-first by plan2vec {np.mean(found['expanded']):.3f} expansions a step"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Worlds -> planners -> pooled figures."""
        worlds: dict[str, Any] = {}
        for cell, result in found:
            worlds.setdefault(cell.params["world"], []).append(result)
        return {"worlds": {name: _summary(results) for name, results in worlds.items()}}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a world."""
        tables = []
        for name, world in summary["worlds"].items():
            rows = [
                (
                    "ours" if "table" in key or "one" in key else "oracle" if "GPS" in label else "",
                    [label, *_row(world, key)],
                )
                for key, label in LABELS.items()
            ]
            head = ["", "expanded a step", "generated a step", "cost ratio", "reached, %", "ms a plan", "one query"]
            note = (
                f"{world['pairs']} pairs about {world['hops']:.0f} links apart, {world['places']:,} places. The table "
                f"took {world['table_seconds']:.1f} CPU s ({world['dimensions']:.0f} dimensions), ALT "
                + ", ".join(f"{seconds:.2f} ({count} landmarks)" for count, seconds in world["alt_seconds"].items())
                + ". Mean [95 % bootstrap over pairs]; figures a step and ratios over plans that reached the goal. One "
                "query: expanded a step between the 10 % and 90 % corners, as in the released code."
            )
            tables.append(Table(f"{name}: planning cost", head, rows, [note]))
        return tables

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


def table_of(world: WorldGraph, graph: Graph, seed: int) -> tuple[np.ndarray, dict[str, float]]:
    """The table of a world's places, and its figures."""
    return embed_table(table_config(world), graph, np.random.default_rng([seed, 8]))


def table_config(world: WorldGraph) -> TableConfig:
    """More landmarks and dimensions where there are very many places."""
    return TableConfig(512, 3000) if world.num_places > 10_000 else TableConfig()


def planners(
    world: WorldGraph, graph: Graph, table: np.ndarray, alt: dict[int, Heuristic]
) -> dict[str, Callable[[np.ndarray, np.ndarray], PlanBatch]]:
    """Every planner as a function of (B,) starts and (B,) goals, in the order of `LABELS`."""
    line, grid = straight_line(world, graph), along_grid(world, graph)

    def latents(vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        return np.square(table[vertices] - table[goals]).sum(1)

    return {
        "dijkstra": lambda s, g: dijkstra(graph, s, g),
        "bidirectional": lambda s, g: bidirectional(graph, s, g),
        "a-star-l2": lambda s, g: a_star(graph, s, g, line),
        "a-star-l1": lambda s, g: a_star(graph, s, g, grid),
        "a-star-alt-16": lambda s, g: a_star(graph, s, g, alt[16]),
        "a-star-alt-64": lambda s, g: a_star(graph, s, g, alt[64]),
        "a-star-table": lambda s, g: a_star(graph, s, g, latents),
        "best-first-l2": lambda s, g: best_first(graph, s, g, line),
        "best-first-alt-64": lambda s, g: best_first(graph, s, g, alt[64]),
        "best-first-alt-256": lambda s, g: best_first(graph, s, g, alt[256]),
        "best-first-table": lambda s, g: best_first(graph, s, g, latents),
        "one-visited-alt-64": lambda s, g: greedy_walk(graph, s, g, alt[64], avoid_visited=True),
        "one-visited-alt-256": lambda s, g: greedy_walk(graph, s, g, alt[256], avoid_visited=True),
        "one-visited-table": lambda s, g: greedy_walk(graph, s, g, latents, avoid_visited=True),
        "one-memoryless-alt-64": lambda s, g: greedy_walk(graph, s, g, alt[64]),
        "one-memoryless-alt-256": lambda s, g: greedy_walk(graph, s, g, alt[256]),
        "one-memoryless-table": lambda s, g: greedy_walk(graph, s, g, latents),
    }


def straight_line(world: WorldGraph, graph: Graph) -> Heuristic:
    """Metres as the crow flies, in the graph's unit: never more than the way."""
    position = world.oracle_position / world.median_length
    return lambda vertices, goals: np.hypot(*(position[vertices] - position[goals]).T)


def along_grid(world: WorldGraph, graph: Graph) -> Heuristic:
    """Metres along two perpendicular directions, those of the avenues and streets; diagonal streets are shorter."""
    turn = np.radians(GRID_ANGLE)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T
    position = world.oracle_position @ axes / world.median_length
    return lambda vertices, goals: np.abs(position[vertices] - position[goals]).sum(1)


def alt_heuristic(graph: Graph, count: int) -> Heuristic:
    """max_l |d(l, v) - d(l, g)| over landmarks l, each the farthest from those before (ALT, Goldberg, Harrelson 2005).

    Of a graph whose links all go both ways; never more than the way, by the triangle inequality.
    """
    rows = [distances_from(graph, np.array([0]))[0]]
    rows[0] = distances_from(graph, np.array([int(np.argmax(rows[0]))]))[0]
    nearest = rows[0].copy()
    while len(rows) < min(count, graph.num_vertices):
        rows.append(distances_from(graph, np.array([int(np.argmax(nearest))]))[0])
        nearest = np.minimum(nearest, rows[-1])
    table = np.stack(rows, axis=1)
    return lambda vertices, goals: np.abs(table[vertices] - table[goals]).max(1)


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
            **{key: mean_of(flat[key]) if flat[key] else None for key in ("expanded", "generated", "ratio")},
            "reached": vars(interval(np.array(flat["reached"], bool)[None])),
            "ms": round(float(np.mean([one["ms"] for one in each])), 3),
            "one": results[0]["corners"][name]["expanded"],
        }
    return {
        "places": results[0]["places"],
        "pairs": sum(len(result["planners"]["dijkstra"]["reached"]) for result in results),
        "hops": float(np.mean([result["planners"]["dijkstra"]["hops"] for result in results])),
        "table_seconds": round(float(np.mean([result["seconds"]["table"] for result in results])), 2),
        "alt_seconds": {n: round(float(np.mean([r["seconds"][f"alt-{n}"] for r in results])), 3) for n in ALT},
        "dimensions": results[0]["table"]["dimensions"],
        "planners": rows,
    }


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
