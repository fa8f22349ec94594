"""Planners through streets and what they go by: nothing, coordinates, landmarks (ALT), a table of latents."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from agents.graphs.graph import Graph
from agents.graphs.search import Heuristic, PlanBatch, a_star, best_first, bidirectional, dijkstra, greedy_walk
from agents.graphs.shortest_paths import distances_from
from agents.metrics.tables.table_embedding import TableConfig, embed_table
from plan2vec_envs.image_graph import WorldGraph

GRID_ANGLE = 29.0
"""Degrees by which Manhattan's avenues are turned clockwise from north."""
ALT = (16, 64, 256)
"""Numbers of landmarks."""
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
"""Every planner and what it is called, in the order of the tables."""


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
    guesses: dict[str, Heuristic] = {
        "l2": straight_line(world),
        "l1": along_grid(world),
        "table": by_table(table),
        **{f"alt-{count}": heuristic for count, heuristic in alt.items()},
    }
    searches: dict[str, Callable[..., PlanBatch]] = {
        "a-star": a_star,
        "best-first": best_first,
        "one-visited": partial(greedy_walk, avoid_visited=True),
        "one-memoryless": greedy_walk,
    }
    found: dict[str, Callable[[np.ndarray, np.ndarray], PlanBatch]] = {
        "dijkstra": partial(dijkstra, graph),
        "bidirectional": partial(bidirectional, graph),
    }
    for name in LABELS:
        for search, plan in searches.items():
            if name.startswith(search):
                found[name] = partial(plan, graph, heuristic=guesses[name.removeprefix(f"{search}-")])
    return found


def by_table(table: np.ndarray) -> Heuristic:
    """Squared distance of latents, (N, D)."""
    return lambda vertices, goals: np.square(table[vertices] - table[goals]).sum(1)


def straight_line(world: WorldGraph) -> Heuristic:
    """Metres as the crow flies, in the graph's unit: never more than the way."""
    position = world.oracle_position / world.median_length
    return lambda vertices, goals: np.hypot(*(position[vertices] - position[goals]).T)


def along_grid(world: WorldGraph) -> Heuristic:
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
