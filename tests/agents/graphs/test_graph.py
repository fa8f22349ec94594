from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from agents.errors import GraphError, NoPathError
from agents.graphs.bridges import find_bridges
from agents.graphs.building import GraphConfig, choose_vertices
from agents.graphs.graph import Graph
from agents.graphs.shortest_paths import distances_from, shortest_plan
from data_collection.errors import Plan2vecError

from ..worlds import plane

GREAT = 1e9


def brute_force_distances(graph: Graph) -> np.ndarray:
    """Floyd and Warshall's three loops, written from the definition."""
    distance = np.full((graph.num_vertices, graph.num_vertices), np.inf)
    np.fill_diagonal(distance, 0)
    for vertex in range(graph.num_vertices):
        neighbours, weights = graph.neighbors(vertex)
        distance[vertex, neighbours] = weights
    for middle in range(graph.num_vertices):
        distance = np.minimum(distance, distance[:, [middle]] + distance[[middle], :])
    return distance


def random_graph(rng: np.random.Generator, vertices: int = 12, edges: int = 30) -> Graph:
    ends = rng.integers(vertices, size=(edges, 2))
    return Graph.from_edges(vertices, np.column_stack([ends, rng.uniform(0.1, 3, edges)]))


@pytest.mark.parametrize("weight", [-1.0, 0.0, np.nan, np.inf])
def test_graph_refuses_a_weight_that_is_not_positive_and_finite_and_names_the_edge(weight):
    with pytest.raises(GraphError, match=r"edge 1 -> 2 weighs"):
        Graph.from_edges(3, [(0, 1, 1.0), (1, 2, weight)])


def test_graph_refuses_an_edge_to_a_vertex_that_does_not_exist():
    with pytest.raises(GraphError, match="outside 0 to 2"):
        Graph.from_edges(3, [(0, 3, 1.0)])


def test_of_parallel_edges_the_cheapest_stays_and_self_loops_go():
    graph = Graph.from_edges(2, [(0, 1, 3.0), (0, 1, 1.0), (1, 1, 1.0)], inferred=np.array([False, True, False]))
    assert (graph.num_edges, graph.weights.tolist(), graph.inferred.tolist()) == (1, [1.0], [True])


def test_edges_are_directed():
    graph = Graph.from_edges(2, [(0, 1, 1.0)])
    assert graph.neighbors(0)[0].tolist() == [1]
    assert graph.neighbors(1)[0].tolist() == []


def test_graph_arrays_cannot_be_changed():
    graph = Graph.from_edges(2, [(0, 1, 1.0)])
    with pytest.raises(ValueError, match="read-only"):
        graph.weights[0] = 2.0


@pytest.mark.parametrize("seed", range(5))
def test_distances_from_landmarks_equal_floyd_and_warshall(seed):
    graph = random_graph(np.random.default_rng(seed))
    np.testing.assert_allclose(distances_from(graph, np.arange(12)), brute_force_distances(graph), rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_follows_edges_and_costs_what_the_distance_says(seed):
    graph = random_graph(np.random.default_rng(seed), edges=60)
    distance = brute_force_distances(graph)
    for goal in np.flatnonzero(np.isfinite(distance[0])):
        plan = shortest_plan(graph, 0, int(goal))
        assert (plan.vertices[0], plan.vertices[-1]) == (0, goal)
        steps = [
            dict(zip(*(values.tolist() for values in graph.neighbors(a)), strict=True))[b]
            for a, b in zip(plan.vertices[:-1].tolist(), plan.vertices[1:].tolist(), strict=True)
        ]
        assert plan.cost == pytest.approx(sum(steps), abs=1e-5) == pytest.approx(distance[0, goal], abs=1e-5)


def test_a_plan_takes_the_cheaper_path_with_more_hops():
    """A vertex is settled when popped, not when first seen: 1 + 1 beats 10."""
    plan = shortest_plan(Graph.from_edges(3, [(0, 2, 10.0), (0, 1, 1.0), (1, 2, 1.0)]), 0, 2)
    assert plan.vertices.tolist() == [0, 1, 2]
    assert plan.cost == 2.0


def test_no_path_says_how_much_was_reachable():
    with pytest.raises(NoPathError, match="2 of 3 vertices are reachable from 0"):
        shortest_plan(Graph.from_edges(3, [(0, 1, 1.0)]), 0, 2)


def test_vertices_are_whole_trajectories_within_the_budget(rng):
    dataset = plane(episodes=20, steps=8)
    rows = choose_vertices(dataset, 50, rng)
    assert len(rows) == 45  # five trajectories of nine frames; a sixth would pass 50
    assert len(np.unique(dataset.episode_ids[rows])) == 5
    assert not np.array_equal(rows, choose_vertices(dataset, 50, np.random.default_rng(1)))


def test_found_edges_are_exactly_the_pairs_within_the_threshold(rng):
    dataset = plane(episodes=15)
    rows, latents = np.arange(len(dataset.observations)), dataset.observations
    graph = GraphConfig(bridge=False).build(dataset, rows, latents, threshold=0.8)
    distance = cdist(latents, latents)
    expected = distance <= 0.8
    before, after = dataset.transitions.T
    expected[before, after] |= distance[before, after] > 0
    np.fill_diagonal(expected, False)
    found = np.zeros_like(expected)
    found[graph.starts, graph.indices] = True
    np.testing.assert_array_equal(found, expected)


def gaps_of(graph: Graph, latents: np.ndarray) -> np.ndarray:
    return np.linalg.norm(latents[graph.starts] - latents[graph.indices], axis=1)


@pytest.mark.parametrize("scale", [0.5, 3.0])  # a recorded move is within the threshold, and beyond it
def test_recorded_edges_weigh_one_and_found_edges_their_distance(scale):
    dataset = plane(episodes=15)
    latents = scale * dataset.observations
    rows = np.arange(len(latents))
    graph = GraphConfig(bridge=False).build(dataset, rows, latents, threshold=0.9)
    gaps = gaps_of(graph, latents)
    assert (graph.weights[~graph.inferred] == 1).all()
    np.testing.assert_allclose(graph.weights[graph.inferred], np.maximum(gaps[graph.inferred], 1e-3), rtol=1e-5)
    by_distance = GraphConfig(bridge=False, recorded_weight="local").build(dataset, rows, latents, 0.9)
    np.testing.assert_allclose(by_distance.weights[~by_distance.inferred], scale, rtol=1e-5)


def test_recorded_steps_that_can_be_undone_are_edges_both_ways():
    dataset = plane(episodes=15)
    rows, latents = np.arange(len(dataset.observations)), dataset.observations
    there, both = (GraphConfig(both_ways=both).build(dataset, rows, latents, 0.8) for both in (False, True))
    ends = [
        set(zip(g.starts[~g.inferred].tolist(), g.indices[~g.inferred].tolist(), strict=True)) for g in (there, both)
    ]
    assert ends[1] == ends[0] | {(b, a) for a, b in ends[0]}
    assert (both.weights[~both.inferred] == 1).all()


def test_every_recorded_move_is_a_recorded_edge_and_a_blocked_action_is_none():
    dataset = plane(episodes=15)
    graph = GraphConfig().build(dataset, np.arange(len(dataset.observations)), dataset.observations, 1.05)
    found = set(zip(graph.starts[~graph.inferred].tolist(), graph.indices[~graph.inferred].tolist(), strict=True))
    before, after = dataset.transitions.T
    moved = (dataset.observations[before] != dataset.observations[after]).any(1)
    assert 0 < moved.sum() < len(moved)
    assert found == set(zip(before[moved].tolist(), after[moved].tolist(), strict=True))


def minimum_spanning_tree_weight(latents: np.ndarray, components: np.ndarray) -> float:
    """Kruskal's algorithm on the complete graph, counting only edges between components."""
    label = components.copy()
    distance = cdist(latents, latents)
    total = 0.0
    for a, b in zip(*np.unravel_index(np.argsort(distance, axis=None), distance.shape), strict=True):
        if label[a] != label[b]:
            total += distance[a, b]
            label[label == label[a]] = label[b]
    return total


@pytest.mark.parametrize("seed", range(8))
def test_bridges_are_a_minimum_spanning_tree_between_components(seed):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 30, (6, 3))
    components = rng.integers(6, size=80)
    components[:6] = range(6)
    latents = centres[components] + rng.normal(size=(80, 3))
    bridges = find_bridges(latents, components)
    assert len(bridges) == 5
    weight = np.linalg.norm(latents[bridges[:, 0]] - latents[bridges[:, 1]], axis=1).sum()
    assert weight == pytest.approx(minimum_spanning_tree_weight(latents, components))


def test_bridging_finds_a_way_out_of_a_crowded_component():
    """Forty frames at one spot: no outsider is among anybody's eight nearest."""
    latents = np.zeros((43, 2))
    latents[40:] = [(5.0, 0.0), (5.1, 0.0), (9.0, 0.0)]
    components = np.array([0] * 40 + [1, 1, 2])
    gaps = np.linalg.norm(np.diff(latents[find_bridges(latents, components)], axis=1)[:, 0], axis=1)
    np.testing.assert_allclose(np.sort(gaps), [3.9, 5.0])


def test_a_bridged_graph_is_one_component_and_says_which_edges_are_bridges():
    dataset = plane(episodes=12, side=40)
    rows = np.arange(len(dataset.observations))
    loose = GraphConfig(bridge=False).build(dataset, rows, dataset.observations, 1.05)
    joined = GraphConfig().build(dataset, rows, dataset.observations, 1.05)
    pieces = len(np.unique(loose.components()))
    assert pieces > 1
    assert len(np.unique(joined.components())) == 1
    assert joined.bridge.sum() == 2 * (pieces - 1)
    assert (joined.weights[joined.bridge] > 1.05).all()


def test_building_refuses_latents_that_are_not_finite():
    dataset = plane(episodes=2)
    latents = dataset.observations.copy()
    latents[3] = np.nan
    with pytest.raises(GraphError, match="NaN"):
        GraphConfig().build(dataset, np.arange(len(latents)), latents, 1.0)


def test_a_weight_of_recorded_edges_that_does_not_exist_is_refused():
    dataset = plane(episodes=2)
    rows = np.arange(len(dataset.observations))
    with pytest.raises(Plan2vecError, match="Did you mean 'local'"):
        GraphConfig(recorded_weight="locale").build(dataset, rows, dataset.observations, 1.0)
