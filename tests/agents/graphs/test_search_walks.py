"""Walks under k-step lookahead against balls enumerated path by path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra as scipy_dijkstra

from agents.graphs.graph import Graph
from agents.graphs.search import SearchBudget, best_first, greedy_walk, lookahead_walk


def random_graph(rng, vertices, degree):
    edges = rng.integers(vertices, size=(int(vertices * degree), 2))
    return Graph.from_edges(vertices, np.column_stack([edges, rng.integers(1, 4, len(edges))]))


def table(values):
    return lambda vertices, goals: values[vertices, goals]


def ball(graph, centre, k):
    """Vertex to cheapest cost over at most k edges, by enumerating every walk of up to k edges."""
    found, level = {}, [(centre, 0.0)]
    for _ in range(k):
        level = [
            (int(target), cost + float(weight))
            for vertex, cost in level
            for target, weight in zip(*graph.neighbors(vertex), strict=True)
        ]
        for vertex, cost in level:
            found[vertex] = min(cost, found.get(vertex, np.inf))
    found.pop(centre, None)
    return found


def rim(graph, centre, k):
    """Vertices to which k edges lead, and no fewer: unit-cost distances by scipy."""
    hops = scipy_dijkstra(graph.matrix, unweighted=True, indices=centre)
    return set(np.flatnonzero(hops == k).tolist())


def walk(graph, start, goal, k, values, *, add_path_cost, avoid_visited, rim_only):
    """Waypoints and cost, from the definition."""
    stops, total = [start], 0.0
    while stops[-1] != goal:
        around = ball(graph, stops[-1], k)
        if rim_only:
            around = {v: c for v, c in around.items() if v == goal or v in rim(graph, stops[-1], k)}
        if avoid_visited:
            around = {v: c for v, c in around.items() if v not in stops}
        if not around:
            return stops, np.inf
        best = min(around, key=lambda v: ((around[v] if add_path_cost else 0) + values[v, goal], v))
        total += around[best]
        if best in stops:
            return [*stops, best], np.inf
        stops.append(best)
    return stops, total


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    k=st.integers(1, 4),
    degree=st.floats(0.5, 3),
    add_path_cost=st.booleans(),
    avoid_visited=st.booleans(),
    rim_only=st.booleans(),
)
def test_walk_goes_to_the_exact_best_of_the_ball_or_its_rim(seed, k, degree, **options):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 12, degree)
    values = rng.integers(0, 9, size=(12, 12)).astype(float)
    starts, goals = np.divmod(np.arange(144), 12)
    plans = lookahead_walk(
        graph,
        starts,
        goals,
        table(values),
        SearchBudget(lookahead=k),
        **options,
    )
    weights = graph.matrix.toarray()
    for index, (start, goal) in enumerate(zip(starts.tolist(), goals.tolist(), strict=True)):
        stops, cost = walk(graph, start, goal, k, values, **options)
        path = plans.vertices[index]
        assert plans.cost[index] == cost
        assert plans.success[index] == np.isfinite(cost)
        assert path[-1] == stops[-1]
        remaining = iter(path.tolist())
        assert all(stop in remaining for stop in stops)  # the stops stand in the path, in their order
        assert len(path) - 1 <= k * (len(stops) - 1)
        along = weights[path[:-1], path[1:]]
        assert (along > 0).all()
        if plans.success[index]:
            assert along.sum() == cost


@pytest.mark.parametrize("k", [1, 2, 3])
def test_walk_by_the_true_distance_takes_a_cheapest_way(rng, k):
    graph = random_graph(rng, 60, 3)
    best = scipy_dijkstra(graph.matrix)
    starts, goals = rng.integers(60, size=(2, 100))
    plans = lookahead_walk(graph, starts, goals, table(best), SearchBudget(lookahead=k))
    optimum = best[starts, goals]
    np.testing.assert_array_equal(plans.cost, optimum)
    assert (plans.cost_ratio(optimum)[plans.success] == 1).all()


def test_path_of_a_ball_keeps_to_k_edges_when_its_middle_becomes_cheaper_later():
    """k = 2: 3 is two edges away through 2 (5 + 1); the cheap way to 2 through 1 would make it three."""
    graph = Graph.from_edges(4, [(0, 2, 5.0), (0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0)])
    guess = np.array([9, 9, 9, 0.0])
    plans = lookahead_walk(graph, [0], [3], lambda v, g: guess[v], SearchBudget(lookahead=2))
    assert plans.vertices[0].tolist() == [0, 2, 3]
    assert plans.cost[0] == 6


def test_walk_by_the_heuristic_alone_overlooks_the_price_of_the_way():
    graph = Graph.from_edges(3, [(0, 2, 10.0), (0, 1, 1.0), (1, 2, 1.0)])
    guess = np.array([2, 1, 0.0])
    one = SearchBudget(lookahead=1)
    assert lookahead_walk(graph, [0], [2], lambda v, g: guess[v], one).cost[0] == 2
    assert lookahead_walk(graph, [0], [2], lambda v, g: guess[v], one, add_path_cost=False).cost[0] == 10
    assert greedy_walk(graph, [0], [2], lambda v, g: guess[v]).cost[0] == 10


def test_greedy_walk_with_memory_is_best_first_with_a_queue_of_one(rng):
    graph = random_graph(rng, 40, 4)
    values = rng.uniform(0, 9, size=(40, 40))
    starts, goals = rng.integers(40, size=(2, 300))
    walks = greedy_walk(graph, starts, goals, table(values), avoid_visited=True)
    plans = best_first(graph, starts, goals, table(values), SearchBudget(queue_size=1))
    assert 0 < walks.success.mean() < 1
    for name in ("cost", "success", "expanded", "generated"):
        np.testing.assert_array_equal(getattr(walks, name), getattr(plans, name), err_msg=name)


def test_a_walk_without_memory_that_comes_back_has_failed():
    graph = Graph.from_edges(3, [(0, 1, 1.0), (1, 0, 1.0), (0, 2, 1.0)])
    guess = np.array([0, 0, 1.0])
    circle = greedy_walk(graph, [0], [2], lambda v, g: guess[v])
    assert circle.vertices[0].tolist() == [0, 1, 0]
    assert not circle.success[0]
    assert circle.cost[0] == np.inf
    assert circle.expanded[0] == 2
    assert circle.generated[0] == 3
    assert not circle.out_of_budget[0]


@pytest.mark.parametrize("limit", [0, 1, 6, 30])
@pytest.mark.parametrize("k", [1, 3])
def test_no_walk_expands_more_than_its_budget(rng, k, limit):
    graph = random_graph(rng, 60, 3)
    best = scipy_dijkstra(graph.matrix)
    starts, goals = rng.integers(60, size=(2, 200))
    free = lookahead_walk(graph, starts, goals, table(best), SearchBudget(lookahead=k))
    tight = lookahead_walk(graph, starts, goals, table(best), SearchBudget(lookahead=k, max_expansions=limit))
    assert (tight.expanded <= limit).all()
    enough = free.expanded <= limit
    np.testing.assert_array_equal(tight.cost[enough], free.cost[enough])
    np.testing.assert_array_equal(tight.out_of_budget, ~enough)
    assert not tight.success[~enough].any()


@pytest.mark.parametrize("k", [1, 3])
def test_a_batch_of_walks_equals_them_one_by_one(rng, k):
    graph = random_graph(rng, 50, 2.5)
    values = rng.integers(0, 20, size=(50, 50)).astype(float)
    starts, goals = rng.integers(50, size=(2, 64))
    together = lookahead_walk(graph, starts, goals, table(values), SearchBudget(lookahead=k))
    for index in range(64):
        alone = lookahead_walk(graph, starts[[index]], goals[[index]], table(values), SearchBudget(lookahead=k))
        assert alone.vertices[0].tolist() == together.vertices[index].tolist()
        assert alone[0][1:] == together[index][1:]


def test_empty_batches_and_dead_ends_are_no_special_case():
    lonely = Graph.from_edges(2, [(0, 1, 1.0)])
    assert len(greedy_walk(lonely, [], [], table(np.zeros((2, 2))))) == 0
    stuck = lookahead_walk(lonely, [1, 0], [0, 1], table(np.zeros((2, 2))), SearchBudget(lookahead=3))
    assert stuck.success.tolist() == [False, True]
    assert stuck.expanded.tolist() == [1, 2]
