"""One plan and one decision as the graph grows: by searches, by a table of latents, by a waypoint agent.

The graphs are made cities, and for the agent random walks in a field that grows with their number. Starts and goals are
drawn from everywhere, so that ways grow as the root of the vertices.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import Growth, Quantity, Work, run, seconds  # first: it sets the threads

# isort: split
import numpy as np
from small_agents import wanderers, waypoint_agent

from agents.graphs.graph import Graph
from agents.graphs.path_cache import PathCache
from agents.graphs.search import best_first, dijkstra
from agents.graphs.shortest_paths import shortest_plan
from evaluation.paper.protocols.decision_cost import walk_by_table
from evaluation.paper.streets import streets
from evaluation.paper.streets.street_planners import table_of
from plan2vec_envs.image_graph import get_world

SIZES = (1000, 3000, 10_000, 30_000)
PAIRS, DECISIONS, LIMIT = 24, 200, 3000


def in_streets(graph: Graph, table: np.ndarray) -> dict[str, tuple[str, Work]]:
    """Name -> unit, and the work, on a graph of V vertices with latents (V, D)."""
    starts, goals = np.random.default_rng(0).integers(graph.num_vertices, size=(2, PAIRS))
    ends = list(zip(starts.tolist(), goals.tolist(), strict=True))
    ways = PathCache(graph)

    def latents(vertices: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.square(table[vertices] - table[targets]).sum(1)

    def follow() -> int:
        done = 0
        for start, goal in ends:
            (row,), here = ways.rows(np.array([goal])), start
            for _ in range(DECISIONS // PAIRS):
                here = int(ways.following[row, here])
                done += 1
        return done

    follow()  # searches the ways
    return {
        "decision by one look-up in the table": (
            "us",
            lambda: sum(len(walk_by_table(graph, table, start, goal, LIMIT)) - 1 for start, goal in ends),
        ),
        "decision by ways that are known": ("us", follow),
        "ways from everywhere to a new goal": (
            "ms",
            lambda: len([PathCache(graph).rows(np.array([g])) for _, g in ends]),
        ),
        "plan by Dijkstra": ("ms", lambda: len([shortest_plan(graph, start, goal) for start, goal in ends])),
        "plans in lockstep by Dijkstra": ("plans/s", lambda: len(dijkstra(graph, starts, goals))),
        "plans in lockstep by best-first and the table": (
            "plans/s",
            lambda: len(best_first(graph, starts, goals, latents)),
        ),
    }


def by_agent(num_vertices: int) -> dict[str, tuple[str, Work]]:
    """The same for the waypoint agent, which finds itself among all vertices first."""
    dataset = wanderers(num_vertices)
    agent = waypoint_agent(dataset)
    assert agent.graph.num_vertices == num_vertices
    rows = np.random.default_rng(0).integers(num_vertices, size=DECISIONS)
    seen, goal = dataset.observations[rows][:, None], dataset.observations[:1]
    return {
        "agent's choice of a waypoint": ("us", lambda: len([agent.next_waypoints(each, goal) for each in seen])),
        "agent's distance of two observations": ("us", lambda: len([agent.distance(each, goal) for each in seen])),
        "agent's act by a waypoint": ("us", lambda: len([agent.act(each, goal) for each in seen])),
    }


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure each size, the smallest first, and fit exponents."""
    growth = Growth("vertices")
    for size in SIZES:
        world = get_world(f"city-{size}")
        graph = streets.true_graph(world)
        works = in_streets(graph, table_of(world, graph, 0)[0]) | by_agent(size)
        found = seconds([(work, min(repeats, 5)) for _, work in works.values()])
        for (name, (unit, _)), (done, taken) in zip(works.items(), found, strict=True):
            if unit.endswith("/s"):
                yield growth.rate(name, size, unit, done, taken)
            else:
                yield growth.time(name, size, [each / done for each in taken], unit)
    yield from growth.exponents()


if __name__ == "__main__":
    run(bench)
