"""Dijkstra, A*, best-first and bidirectional search against scipy and against searches written one vertex at a time."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra as scipy_dijkstra

from agents.errors import HeuristicError
from agents.graphs.graph import Graph
from agents.graphs.search import SearchBudget, a_star, best_first, bidirectional, dijkstra

TRAP = Graph.from_edges(3, [(0, 2, 10.0), (0, 1, 1.0), (1, 2, 1.0)])


def random_graph(rng, vertices, degree, levels=None):
    """Directed, often disconnected; with ``levels`` the weights are a few whole numbers, so that much ties."""
    edges = rng.integers(vertices, size=(int(vertices * degree), 2))
    weights = rng.uniform(0.1, 3, len(edges)) if levels is None else rng.integers(1, levels + 1, len(edges))
    return Graph.from_edges(vertices, np.column_stack([edges, weights]))


def cheapest(graph):
    return scipy_dijkstra(graph.matrix)


def zero(vertices, goals):
    return np.zeros(len(vertices))


def table(values):
    return lambda vertices, goals: values[vertices, goals]


def every_pair(graph):
    starts, goals = np.divmod(np.arange(graph.num_vertices**2), graph.num_vertices)
    return starts, goals


def assert_same(one, two):
    assert [path.tolist() for path in one.vertices] == [path.tolist() for path in two.vertices]
    for name in ("cost", "expanded", "generated", "success", "out_of_budget"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def assert_paths_are_real(graph, plans, starts, goals):
    weights = {(int(a), int(b)): float(w) for a, b, w in zip(graph.starts, graph.indices, graph.weights, strict=True)}
    for path, cost, success, start, goal in zip(plans.vertices, plans.cost, plans.success, starts, goals, strict=True):
        assert path[0] == start
        if success:
            assert path[-1] == goal
            assert cost == pytest.approx(sum(weights[int(a), int(b)] for a, b in itertools.pairwise(path)))
        else:
            assert cost == np.inf


def one_at_a_time(graph, start, goal, heuristic, *, add_path_cost, queue_size=None):
    """The same search from its definition: a dictionary of open vertices, sorted anew for every expansion."""
    cost, before, closed, opened = {start: 0.0}, {}, set(), {start: heuristic(start)}
    generated = 0
    expansions = []
    while opened:
        at = min(opened, key=lambda v: (opened[v], v))
        if at == goal:
            path = [goal]
            while path[-1] != start:
                path.append(before[path[-1]])
            return path[::-1], expansions, generated
        del opened[at]
        closed.add(at)
        expansions.append(at)
        for target, weight in zip(*(row.tolist() for row in graph.neighbors(at)), strict=True):
            generated += 1
            new = cost[at] + weight
            if new < cost.get(target, np.inf) and (add_path_cost or target not in closed):
                cost[target], before[target] = new, at
                opened[target] = (new if add_path_cost else 0.0) + heuristic(target)
        for lost in sorted(opened, key=lambda v: (opened[v], v))[queue_size:] if queue_size else []:
            del opened[lost]
            if lost not in closed:
                del cost[lost]
    return [start], expansions, generated


seeds = st.integers(0, 2**31)
sizes = st.integers(2, 30)
degrees = st.floats(0.5, 5)


@pytest.mark.parametrize("plan", [dijkstra, bidirectional, lambda *args: a_star(*args, zero)])
def test_two_cheap_edges_beat_one_dear_edge_that_is_seen_first(plan):
    plans = plan(TRAP, [0], [2])
    assert plans.vertices[0].tolist() == [0, 1, 2]
    assert plans.cost[0] == 2


@settings(max_examples=60, deadline=None)
@given(seed=seeds, size=sizes, degree=degrees, levels=st.sampled_from([None, 2]))
def test_dijkstra_a_star_and_bidirectional_cost_what_scipy_says(seed, size, degree, levels):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size, degree, levels)
    starts, goals = every_pair(graph)
    best = cheapest(graph)
    for plans in (
        dijkstra(graph, starts, goals),
        bidirectional(graph, starts, goals),
        a_star(graph, starts, goals, table(0.5 * np.where(np.isfinite(best), best, 0))),
    ):
        np.testing.assert_allclose(plans.cost, best[starts, goals], rtol=1e-5)
        np.testing.assert_array_equal(plans.success, np.isfinite(best[starts, goals]))
        assert_paths_are_real(graph, plans, starts, goals)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, size=sizes, degree=degrees, levels=st.sampled_from([None, 2]))
def test_a_star_stays_optimal_with_an_inconsistent_heuristic_that_never_overestimates(seed, size, degree, levels):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size, degree, levels)
    starts, goals = every_pair(graph)
    best = cheapest(graph)
    below = np.where(np.isfinite(best), best, 5) * rng.choice([0.0, 0.9, 0.99], best.shape)
    plans = a_star(graph, starts, goals, table(below))
    np.testing.assert_allclose(plans.cost, best[starts, goals], rtol=1e-5)


def test_a_star_reopens_a_closed_vertex_when_a_cheaper_way_turns_up():
    """D = (0, 5, 0, 0, 0): 2 is expanded at cost 3 before 1 shows the way at cost 2, then once more."""
    graph = Graph.from_edges(5, [(0, 1, 1.0), (0, 2, 3.0), (1, 2, 1.0), (2, 3, 4.0), (3, 4, 1.0)])
    guess = np.array([0, 5, 0, 0, 0.0])
    plans = a_star(graph, [0], [4], lambda vertices, goals: guess[vertices])
    assert plans.vertices[0].tolist() == [0, 1, 2, 3, 4]
    assert plans.cost[0] == 7
    assert plans.expanded[0] == 5  # 0, 2, 1, 2 again, 3


@given(seed=seeds, size=sizes, degree=degrees)
@settings(max_examples=30, deadline=None)
def test_a_star_with_nothing_to_go_by_expands_what_dijkstra_expands(seed, size, degree):
    graph = random_graph(np.random.default_rng(seed), size, degree, levels=3)
    starts, goals = every_pair(graph)
    assert_same(a_star(graph, starts, goals, zero), dijkstra(graph, starts, goals))


@given(seed=seeds, size=sizes, degree=degrees)
@settings(max_examples=40, deadline=None)
def test_best_first_reaches_what_can_be_reached_and_expands_no_vertex_twice(seed, size, degree):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size, degree)
    starts, goals = every_pair(graph)
    plans = best_first(graph, starts, goals, table(rng.normal(size=(size, size))))
    best = cheapest(graph)[starts, goals]
    np.testing.assert_array_equal(plans.success, np.isfinite(best))
    assert (plans.expanded <= size).all()
    assert (plans.cost_ratio(best)[plans.success] > 1 - 1e-6).all()
    assert_paths_are_real(graph, plans, starts, goals)


@given(seed=seeds, size=st.integers(2, 16), degree=degrees, queue=st.sampled_from([None, 1, 2, 5]), cost=st.booleans())
@settings(max_examples=60, deadline=None)
def test_lockstep_equals_the_search_written_one_vertex_at_a_time(seed, size, degree, queue, cost):
    """Whole numbers tie often and are exact; the heuristic may be negative, and too great."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size, degree, levels=3)
    values = rng.integers(-2, 6, size=(size, size)).astype(float)
    starts, goals = every_pair(graph)
    plans = (a_star if cost else best_first)(graph, starts, goals, table(values), SearchBudget(queue_size=queue))
    for index, (start, goal) in enumerate(zip(starts.tolist(), goals.tolist(), strict=True)):
        path, expansions, generated = one_at_a_time(
            graph, start, goal, lambda v, goal=goal: values[v, goal], add_path_cost=cost, queue_size=queue
        )
        assert plans.vertices[index].tolist() == path
        assert plans.expanded[index] == len(expansions)
        assert plans.generated[index] == generated


def test_queue_of_one_goes_to_the_best_neighbour_not_yet_expanded(rng):
    graph = random_graph(rng, 40, 4)
    values = rng.uniform(0, 9, size=(40, 40))
    starts, goals = every_pair(graph)
    plans = best_first(graph, starts, goals, table(values), SearchBudget(queue_size=1))
    assert 0 < plans.success.mean() < 1
    for start, goal, success, path in zip(starts, goals, plans.success, plans.vertices, strict=True):
        way = [start]
        while way[-1] != goal:
            fresh = [v for v in graph.neighbors(way[-1])[0] if v not in way]
            if not fresh:
                break
            way.append(min(fresh, key=lambda v, goal=goal: values[v, goal]))
        assert success == (way[-1] == goal)
        if success:
            assert path.tolist() == way


@pytest.mark.parametrize("queue_size", [None, 3])
@pytest.mark.parametrize("name", ["dijkstra", "bidirectional", "a_star", "best_first"])
def test_a_batch_equals_its_plans_one_by_one(rng, name, queue_size):
    graph = random_graph(rng, 50, 2.5, levels=4)
    values = rng.uniform(0, 9, size=(50, 50))
    starts, goals = rng.integers(50, size=(2, 64))
    budget = SearchBudget(queue_size=queue_size)
    search = {
        "dijkstra": lambda s, g: dijkstra(graph, s, g, budget),
        "bidirectional": lambda s, g: bidirectional(graph, s, g, budget),
        "a_star": lambda s, g: a_star(graph, s, g, table(values), budget),
        "best_first": lambda s, g: best_first(graph, s, g, table(values), budget),
    }[name]
    together = search(starts, goals)
    assert_same(together, search(starts, goals))
    for index in range(64):
        alone = search(starts[index : index + 1], goals[index : index + 1])
        assert alone.vertices[0].tolist() == together.vertices[index].tolist()
        assert alone[0][1:] == together[index][1:]


def test_ties_go_to_the_lowest_vertex():
    """0 -> {1, 2, 3} -> 4, all alike: 1 is popped first and stays the way back."""
    edges = [(0, v, 1.0) for v in (3, 1, 2)] + [(v, 4, 1.0) for v in (2, 3, 1)]
    graph = Graph.from_edges(5, edges)
    for plans in (dijkstra(graph, [0], [4]), best_first(graph, [0], [4], zero), bidirectional(graph, [0], [4])):
        assert plans.vertices[0].tolist() == [0, 1, 4]


@pytest.mark.parametrize("limit", [0, 1, 5, 20])
def test_no_plan_expands_more_than_its_budget_and_those_that_need_no_more_are_unchanged(rng, limit):
    graph = random_graph(rng, 40, 3)
    starts, goals = every_pair(graph)
    budget = SearchBudget(max_expansions=limit)
    for search in (dijkstra, bidirectional, lambda *args: a_star(*args[:3], zero, *args[3:])):
        free, tight = search(graph, starts, goals), search(graph, starts, goals, budget)
        assert (tight.expanded <= limit).all()
        enough = free.expanded <= limit
        np.testing.assert_array_equal(tight.cost[enough], free.cost[enough])
        assert (tight.out_of_budget == ~enough).all()
        assert not tight.success[~enough].any()


def test_an_unreachable_goal_is_flagged_and_its_search_counted():
    graph = Graph.from_edges(5, [(0, 1, 1.0), (1, 2, 1.0), (1, 0, 1.0), (3, 4, 1.0)])
    for plans in (dijkstra(graph, [0, 0], [4, 0]), best_first(graph, [0, 0], [4, 0], zero)):
        assert plans.success.tolist() == [False, True]
        assert plans.cost.tolist() == [np.inf, 0]
        assert plans.expanded.tolist() == [3, 0]  # 0, 1, 2; nothing
        assert plans.generated.tolist() == [3, 0]
        assert plans.vertices[0].tolist() == [0]
        assert not plans.out_of_budget.any()
        assert np.isnan(plans.cost_ratio(np.array([np.inf, 0]))[0])
        assert plans.cost_ratio(np.array([np.inf, 0]))[1] == 1


def test_dijkstra_expands_and_generates_what_a_heap_does(rng):
    graph = random_graph(rng, 300, 4)
    starts, goals = rng.integers(300, size=(2, 32))
    plans = dijkstra(graph, starts, goals)
    for index, (start, goal) in enumerate(zip(starts, goals, strict=True)):
        heap, closed, generated = [(0.0, start)], set(), 0
        while heap:
            cost, at = heapq.heappop(heap)
            if at == goal:
                break
            if at not in closed:
                closed.add(at)
                targets, weights = graph.neighbors(at)
                generated += len(targets)
                for target, weight in zip(targets, weights, strict=True):
                    heapq.heappush(heap, (cost + float(weight), target))
        assert plans.expanded[index] == len(closed)
        assert plans.generated[index] == generated


def test_an_empty_batch_and_a_graph_without_edges_are_no_special_case():
    assert len(dijkstra(TRAP, [], [])) == 0
    assert len(bidirectional(TRAP, [], [])) == 0
    lonely = Graph.from_edges(2, [])
    for search in (dijkstra, bidirectional):
        assert search(lonely, [0, 1], [1, 1]).success.tolist() == [False, True]


def test_parallel_edges_count_as_the_cheapest():
    two = np.zeros(2, bool)
    graph = Graph(np.array([0, 2, 2]), np.array([1, 1]), np.array([1, 3], np.float32), two, two)
    assert dijkstra(graph, [0], [1]).cost[0] == 1


def test_heuristic_that_answers_nan_or_the_wrong_shape_is_named():
    with pytest.raises(HeuristicError, match="NaN from vertex 0 to goal 2"):
        a_star(TRAP, [0], [2], lambda vertices, goals: np.full(len(vertices), np.nan))
    with pytest.raises(HeuristicError, match=r"shape \(1, 2\); need \(1,\)"):
        best_first(TRAP, [0], [2], lambda vertices, goals: np.zeros((len(vertices), 2)))


def test_vertices_that_are_not_there_are_named():
    with pytest.raises(IndexError, match="goal 3 of plan 1 is no vertex; there are vertices 0 to 2"):
        dijkstra(TRAP, [0, 0], [2, 3])


@pytest.mark.parametrize("wrong", [{"lookahead": 0}, {"queue_size": 0}, {"max_expansions": -1}])
def test_budget_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SearchBudget(**wrong)
