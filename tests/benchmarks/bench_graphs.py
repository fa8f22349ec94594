"""Building and searching graphs of 10^4 to 10^5 vertices, with --large of 10^6: seconds, memory, and how they grow.

Points are uniform in a box in 4 dimensions that grows with their number, so that some 20 lie within a distance of 1 of
each, whatever their number: a step that is linear has exponent 1.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from harness import Growth, Quantity, peak_memory, run  # first: it sets the threads

# isort: split
import numpy as np

from agents.graphs.bridges import join_components
from agents.graphs.building import GraphConfig, join_graph
from agents.graphs.graph import Graph
from agents.graphs.neighbours.within_radius import BIG_GRAPH_DEGREE, Search, near_pairs
from agents.graphs.shortest_paths import distances_from

SIZES, LARGE, DEGREE, DIMENSIONS, SOURCES = (10_000, 30_000, 100_000), 1_000_000, 20, 4, 16
MANY_DIMENSIONS = 32  # the same points turned into a space of so many
SPARSE = 0.5  # a distance within which so few lie that the graph is in very many pieces


def box_side(size: int, dimensions: int = DIMENSIONS) -> float:
    """The side of the box in which ``size`` points have ``DEGREE`` others within 1, those at its walls included."""
    rng = np.random.default_rng(0)
    gaps = rng.uniform(-1, 1, (200_000, dimensions))
    gaps = np.abs(gaps[np.square(gaps).sum(1) <= 1])
    ball = len(gaps) / 200_000 * 2**dimensions
    low, high = 1.0, 1e6
    while high - low > 1e-6 * high:
        side = (low + high) / 2
        # Of two points of a box that lie so far apart, the second is inside with this chance.
        inside = float((1 - gaps / side).clip(min=0).prod(1).mean())
        low, high = (side, high) if size * ball * inside / side**dimensions > DEGREE else (low, side)
    return high


def taken(work: Callable[[], Any], repeats: int) -> tuple[Any, list[float]]:
    """What the last of some repeats gave, and the seconds of the processor that each took."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        found = work()
        seconds.append(time.process_time() - begin)
    return found, seconds


def steps(size: int, repeats: int) -> Iterator[tuple[str, list[float]]]:
    """What each step of building took, and the search from a source at last."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, box_side(size), (size, DIMENSIONS)).astype(np.float32)
    near, seconds = taken(partial(near_pairs, points, 1.0), repeats)
    yield "radius pairs", seconds
    weights = np.linalg.norm(points[near[:, 0]] - points[near[:, 1]], axis=1)
    table = np.column_stack([np.concatenate([near, near[:, ::-1]]), np.tile(weights, 2)])
    graph, seconds = taken(partial(Graph.from_edges, size, table), repeats)
    yield "compressed rows", seconds
    del table
    yield "components", taken(graph.components, repeats)[1]
    few = near[weights <= SPARSE]
    pieces = Graph.from_edges(size, np.column_stack([np.concatenate([few, few[:, ::-1]]), np.ones(2 * len(few))]))
    yield "bridges of many pieces", taken(partial(join_components, points, pieces.components()), repeats)[1]
    del graph, pieces
    graph, seconds = taken(partial(build, points, near[::DEGREE]), repeats)
    yield "whole graph", seconds
    if size < LARGE and importlib.util.find_spec("faiss"):  # extra `ann`
        turned = np.linalg.qr(rng.normal(size=(MANY_DIMENSIONS, DIMENSIONS)))[0].astype(np.float32).T
        wide = partial(build, points @ turned, near[::DEGREE], search="faiss")
        yield f"whole graph in {MANY_DIMENSIONS} dimensions by faiss", taken(wide, repeats)[1]
    sources = rng.choice(size, SOURCES, replace=False)
    yield "sources", [each / SOURCES for each in taken(partial(distances_from, graph, sources), repeats)[1]]


def build(points: np.ndarray, recorded: np.ndarray, search: Search = "auto") -> Graph:
    """A graph of some recorded edges and the nearest neighbours, bridged."""
    near = near_pairs(points, 1.0, max_degree=BIG_GRAPH_DEGREE, search=search)
    return join_graph(GraphConfig(), points, recorded, np.ones(len(recorded)), near, 1.0)


def bench(repeats: int, large: bool) -> Iterator[Quantity]:
    """Measure graphs of each size, the smallest first, and fit exponents."""
    growth = Growth("vertices")
    for size in (*SIZES, LARGE) if large else SIZES:
        for name, seconds in steps(size, min(repeats, 3) if size < LARGE else 1):
            if name == "sources":
                yield growth.rate(name, size, "sources/s", 1, seconds)
            else:
                yield growth.time(name, size, seconds)
        yield peak_memory(f"peak memory, {size:,} vertices")  # so far: a larger size is what reached it
    yield from growth.exponents()


if __name__ == "__main__":
    run(bench)
