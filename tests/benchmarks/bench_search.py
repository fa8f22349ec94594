"""Plans a second of the lockstep searches, beside the same searches over a networkx graph.

The other side takes one plan after the other, with a heap and dictionaries. It asks the same heuristic in two ways:
vertex by vertex, as ``networkx.astar_path`` does, and at once for all the new vertices of an expansion (of a ball).
Both sides have to find the same plans with the same counts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from harness import Quantity, against, run  # first: it sets the threads

# isort: split
import networkx as nx
import numpy as np
from scipy.sparse.csgraph import dijkstra as scipy_dijkstra
from scipy.spatial import cKDTree

from agents.graphs.graph import Graph
from agents.graphs.search import Heuristic, PlanBatch, SearchBudget, best_first, greedy_walk, lookahead_walk

VERTICES, DEGREE, DIMENSIONS, PLANS = 3000, 12, 8, 256

Found = tuple[list[int], int, int]
"""path, expanded, generated"""


def exact(values: np.ndarray) -> np.ndarray:
    """Rounded to 1 / 1024, so that sums are exact in 32 and 64 bits and both sides tie alike."""
    return np.maximum(np.round(np.asarray(values, np.float64) * 1024), 1) / 1024


def world(num_vertices: int, degree: float, seed: int) -> tuple[Graph, nx.DiGraph, np.ndarray]:
    """Random points in a unit square that is C-shaped by one wall, linked within a radius; weights in radii."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(size=(num_vertices, 2))
    radius = np.sqrt(degree / (np.pi * num_vertices))
    pairs = cKDTree(points).query_pairs(radius, output_type="ndarray")
    ends = points[pairs]
    crosses = ((ends[:, 0, 1] < 0.5) != (ends[:, 1, 1] < 0.5)) & (ends[:, :, 0].mean(axis=1) < 0.75)
    pairs = pairs[~crosses]
    weights = exact(np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1) / radius)
    rows = np.column_stack([np.vstack([pairs, pairs[:, ::-1]]), np.tile(weights, 2)])
    graph = Graph.from_edges(num_vertices, rows)
    other = nx.DiGraph()
    other.add_nodes_from(range(num_vertices))
    other.add_weighted_edges_from((int(a), int(b), float(w)) for a, b, w in rows)
    return graph, other, points


def learned_distance(graph: Graph, dimensions: int, seed: int) -> Heuristic:
    """Distances between latents (V, D) by landmark MDS of the true distances: about as good as a trained metric."""
    landmarks = np.random.default_rng(seed).choice(graph.num_vertices, 64, replace=False)
    rows = scipy_dijkstra(graph.matrix, indices=landmarks)
    rows[~np.isfinite(rows)] = rows[np.isfinite(rows)].max()
    squares = rows[:, landmarks] ** 2
    middle = squares.mean(axis=0)
    values, axes = np.linalg.eigh(-(squares - middle - middle[:, None] + middle.mean()) / 2)
    values, axes = values[-dimensions:], axes[:, -dimensions:]
    latents = ((middle[:, None] - rows**2).T @ axes / (2 * np.sqrt(values))).astype(np.float32)

    def distance(vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        difference = latents[vertices] - latents[goals]
        return np.round(np.sqrt(np.einsum("kd,kd->k", difference, difference)) * 1024) / 1024

    return distance


def nx_best_first(graph: nx.DiGraph, start: int, goal: int, heuristic: Heuristic) -> Found:
    """Best-first search with a heap; the cost so far only settles which way back an open vertex keeps."""
    heap = [(float(heuristic(np.array([start]), np.array([goal]))[0]), start)]
    cost, before, closed = {start: 0.0}, {}, set()
    generated = 0
    while heap:
        _, at = heapq.heappop(heap)
        if at == goal:
            path = [goal]
            while path[-1] != start:
                path.append(before[path[-1]])
            return path[::-1], len(closed), generated
        closed.add(at)
        here, new = cost[at], []
        for target, data in graph.adj[at].items():
            generated += 1
            if target in closed:
                continue
            total = here + data["weight"]
            known = cost.get(target)
            if known is None:
                new.append(target)
            elif total >= known:
                continue
            cost[target], before[target] = total, at
        if new:
            for value, target in zip(heuristic(np.array(new), np.full(len(new), goal)).tolist(), new, strict=True):
                heapq.heappush(heap, (value, target))
    return [start], len(closed), generated


def nx_walk(
    graph: nx.DiGraph, start: int, goal: int, heuristic: Heuristic, k: int, *, add_path_cost: bool, rim_only: bool
) -> Found:
    """A walk without memory to the best vertex of the k-step ball, or of its rim, round by round."""
    path, at, stops = [start], start, {start}
    expanded = generated = 0
    while at != goal:
        cost, way, hops = {at: 0.0}, {at: ()}, {at: 0}
        level = {at: (0.0, ())}
        for turn in range(1, k + 1):
            reached: dict[int, tuple[float, tuple]] = {}
            for vertex in sorted(level):
                base, trail = level[vertex]
                expanded += 1
                for target, data in graph.adj[vertex].items():
                    generated += 1
                    total = base + data["weight"]
                    if total < cost.get(target, np.inf):
                        cost[target] = total
                        reached[target] = (total, (trail, target))
                        hops.setdefault(target, turn)
            level = reached
            way.update((target, trail) for target, (_, trail) in reached.items())
        del cost[at]
        vertices = [v for v in cost if not rim_only or hops[v] == k or v == goal]
        if not vertices:
            break
        values = heuristic(np.array(vertices), np.full(len(vertices), goal)).tolist()
        keys = [(value + cost[v] if add_path_cost else value, v) for value, v in zip(values, vertices, strict=True)]
        at = min(keys)[1]
        trail, leg = way[at], []
        while trail:
            trail, vertex = trail
            leg.append(vertex)
        path += leg[::-1]
        if at in stops:
            break
        stops.add(at)
    return path, expanded, generated


def one_by_one(heuristic: Heuristic) -> Heuristic:
    """The same heuristic, called for every vertex by itself as ``networkx.astar_path`` calls one."""

    def distance(vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        return np.array([heuristic(vertices[i : i + 1], goals[i : i + 1])[0] for i in range(len(vertices))])

    return distance


def bench(repeats: int) -> Iterator[Quantity]:
    """Compare each search with its twin over networkx, after checking that they find the same."""
    graph, other, _ = world(VERTICES, DEGREE, seed=0)
    heuristic = learned_distance(graph, DIMENSIONS, seed=1)
    single = one_by_one(heuristic)
    starts, goals = np.random.default_rng(2).integers(VERTICES, size=(2, PLANS))
    pairs = list(zip(starts.tolist(), goals.tolist(), strict=True))
    one, deep = {"add_path_cost": False, "rim_only": False}, {"add_path_cost": True, "rim_only": True}
    searches: dict[str, tuple[Callable[[], PlanBatch], Callable[[int, int, Heuristic], Found]]] = {
        "best-first": (
            lambda: best_first(graph, starts, goals, heuristic),
            lambda s, g, h: nx_best_first(other, s, g, h),
        ),
        "greedy": (
            lambda: greedy_walk(graph, starts, goals, heuristic),
            lambda s, g, h: nx_walk(other, s, g, h, 1, **one),
        ),
    }
    for k in (2, 3):
        searches[f"lookahead, k = {k}"] = (
            lambda k=k: lookahead_walk(graph, starts, goals, heuristic, SearchBudget(lookahead=k), rim_only=True),
            lambda s, g, h, k=k: nx_walk(other, s, g, h, k, **deep),
        )
    for name, (ours, theirs) in searches.items():
        plans = ours()
        for index, (start, goal) in enumerate(pairs):
            path, expanded, generated = theirs(start, goal, heuristic)
            if plans.success[index] or name != "best-first":
                assert plans.vertices[index].tolist() == path, (name, index)
            assert (plans.expanded[index], plans.generated[index]) == (expanded, generated), (name, index)
        twins = {
            label: lambda theirs=theirs, ask=ask: len([theirs(s, g, ask) for s, g in pairs])
            for label, ask in (("networkx", single), ("networkx, D in batches", heuristic))
        }
        yield from against(name, "plans/s", lambda ours=ours: len(ours()), twins, repeats)


if __name__ == "__main__":
    run(bench)
