"""SPTM: its memory graph and shortcuts, localisation, waypoints, and acting by the inverse model."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest

from agents import Graph, Plan2Vec, get_agent
from agents.control.inverse_model import InverseModelConfig
from agents.errors import ConfigError, GraphError, NotFittedError
from agents.graphs.shortest_paths import paths_to
from agents.graphs.sptm import SPTMGraphConfig
from agents.metrics.pair import PairMetricConfig
from data_collection import Dataset

from ..worlds import MOVES, plane, quick_config

SIDE = 6.0


def small(name: str, **choices):
    quick, agent = quick_config(100), get_agent(name)
    shared = {
        "local_metric": quick.local_metric,
        "inverse_model": InverseModelConfig(steps=200, hidden=32, batch_size=64),
    }
    if name == "sptm-1-step-pair":
        shared |= {"graph": quick.graph, "pair_metric": PairMetricConfig(steps=200, batch_size=32)}
    else:
        shared["graph"] = SPTMGraphConfig(max_vertices=300)
    return agent(replace(agent.config_class(), **shared | choices))


@pytest.fixture(scope="module")
def world() -> Dataset:
    return plane(episodes=60, side=SIDE)


@pytest.fixture(scope="module")
def sptm(world):
    return small("sptm").fit(world, progress=False)


@pytest.fixture(scope="module")
def by_pairs(world):
    return small("sptm-1-step-pair").fit(world, progress=False)


def walk(agent, memory, tasks: int = 40, steps: int = 20) -> float:
    """Share of random tasks on the plane that end within .8 of the goal at some step."""
    rng = np.random.default_rng(5)
    here, goal = rng.uniform(0, SIDE, (2, tasks, 2)).astype(np.float32)
    reached = np.zeros(tasks, bool)
    for _ in range(steps):
        target = here + MOVES[agent.act(here, goal, memory=memory, rng=rng)]
        here = np.where(((target >= 0) & (target <= SIDE)).all(1, keepdims=True), target, here)
        reached |= np.linalg.norm(here - goal, axis=1) < 0.8
    return float(reached.mean())


def random_graph(vertices: int = 30, edges: int = 90) -> Graph:
    rng = np.random.default_rng(0)
    ends = rng.integers(vertices, size=(edges, 2))
    return Graph.from_edges(vertices, np.column_stack([ends, rng.uniform(0.5, 2, edges)]))


def in_networkx(graph: Graph) -> nx.DiGraph:
    copy = nx.DiGraph()
    copy.add_nodes_from(range(graph.num_vertices))
    ends = zip(graph.starts.tolist(), graph.indices.tolist(), graph.weights.tolist(), strict=True)
    copy.add_weighted_edges_from(ends)
    return copy


def test_ways_to_a_goal_are_those_of_networkx():
    graph = random_graph()
    oracle = in_networkx(graph)
    goals = np.array([3, 17])
    distance, following = paths_to(graph, goals)
    for row, goal in enumerate(goals):
        expected = nx.single_source_dijkstra_path_length(oracle.reverse(), int(goal))
        found = {v: d for v, d in enumerate(distance[row].tolist()) if np.isfinite(d)}
        assert found == pytest.approx(expected, rel=1e-5)
        for vertex in range(graph.num_vertices):
            after = int(following[row, vertex])
            if vertex == goal or vertex not in expected:
                assert after == vertex
            else:
                assert oracle[vertex][after]["weight"] + expected[after] == pytest.approx(expected[vertex], rel=1e-5)


def test_the_default_memory_graph_is_that_of_plan2vec(world, sptm):
    method = Plan2Vec(replace(quick_config(5), local_metric=sptm.config.local_metric)).fit(world, progress=False)
    np.testing.assert_array_equal(sptm.vertex_rows, method.vertex_rows)
    for name, array in method.graph.arrays().items():
        np.testing.assert_array_equal(sptm.graph.arrays()[name], array, err_msg=name)


def test_of_a_thinned_trajectory_every_nth_frame_is_remembered(world):
    config = SPTMGraphConfig(max_vertices=100, temporal_subsampling=3, bridge=False)
    rows = config.choose(world, embed=None, rng=np.random.default_rng(0))
    step = rows - world.episode_starts[world.episode_ids[rows]]
    assert 90 < len(rows) <= 100
    assert sorted(set(step)) == [0, 3, 6]
    assert (np.bincount(world.episode_ids[rows])[np.unique(world.episode_ids[rows])] == 3).all()
    graph = config.build(world, rows, world.observations[rows], 0.01)
    recorded = ~graph.inferred
    assert set(graph.weights[recorded]) == {3.0}
    assert ((graph.indices - graph.starts)[recorded] == 1).all()
    # A frame that came back to where the last one was is left out: nothing was moved.
    apart = np.linalg.norm(np.diff(world.observations[rows], axis=0), axis=1) > 1e-3
    assert recorded.sum() == (apart & (np.diff(world.episode_ids[rows]) == 0)).sum()


@pytest.mark.parametrize("window", [0, 1, 2])
def test_shortcuts_are_those_of_a_brute_force_search(window):
    rng = np.random.default_rng(1)
    ids = np.repeat(np.arange(6), 7)
    steps = np.tile(np.arange(7), 6)
    latents = rng.normal(size=(42, 2))
    config = SPTMGraphConfig(shortcut_window=window, min_temporal_gap=2)
    expected = set()
    for i, j in combinations(range(42), 2):
        gaps = []
        for w in range(-window, window + 1):
            a, b = i + w, j + w
            if a >= 0 and b < 42 and ids[a] == ids[i] and ids[b] == ids[j]:
                gaps.append(np.linalg.norm(latents[a] - latents[b]))
        if np.median(gaps) <= 1.2 and (ids[i] != ids[j] or steps[j] - steps[i] > 2):
            expected.add((i, j))
    recorded = SimpleNamespace(episode_ids=ids, episode_starts=7 * np.arange(6))
    found = config.near(recorded, np.arange(42), latents, 1.2)
    assert len(found) == len(expected) > 30
    assert {(int(i), int(j)) for i, j in found} == expected


def test_the_distance_is_the_way_through_the_memory(world, sptm):
    xs, gs = np.array(world.observations[:60]), np.array(world.observations[100:160])
    keys, goals = sptm.local_metric.embed(xs), sptm.local_metric.embed(gs)
    vertices = sptm.local_metric.embed(world.observations[sptm.vertex_rows])
    oracle, expected = in_networkx(sptm.graph), []
    for key, goal in zip(keys, goals, strict=True):
        direct = float(np.linalg.norm(key - goal))
        v, w = (np.linalg.norm(vertices - each, axis=1) for each in (key, goal))
        way = nx.dijkstra_path_length(oracle, int(v.argmin()), int(w.argmin()))
        expected.append(direct if direct <= sptm.threshold else v.min() + way + w.min())
    np.testing.assert_allclose(sptm.distance(xs, gs), expected, rtol=1e-4)
    assert sptm.distance(xs[0], gs[0]) == pytest.approx(expected[0], rel=1e-4)


def test_the_waypoint_is_the_farthest_vertex_of_the_path_within_reach(world, sptm):
    here, goal = (sptm._localise(np.array(world.observations[rows])) for rows in (slice(0, 50), slice(200, 250)))
    found = sptm._waypoints(here, goal, None)
    latents = sptm.local_metric.embed(world.observations[sptm.vertex_rows])
    for lane in range(50):
        path, row = [int(here.vertices[lane])], sptm.paths.rows(goal.vertices)[lane]
        while path[-1] != goal.vertices[lane]:
            path.append(int(sptm.paths.following[row, path[-1]]))
        ahead = path[1:] or path
        reachable = [v for v in ahead if np.linalg.norm(latents[v] - here.keys[lane]) <= sptm.config.reach]
        assert found[lane] == (reachable[-1] if reachable else ahead[0])


@pytest.mark.parametrize("remembers", [True, False])
def test_sptm_walks_to_the_goal(sptm, remembers):
    assert walk(sptm, sptm.new_memory(40) if remembers else None) > 0.85


def test_one_step_sptm_by_pairs_finds_goals_that_are_near_better_than_chance(by_pairs):
    uniform = get_agent("random")().fit(plane())
    assert walk(by_pairs, by_pairs.new_memory(40)) > walk(uniform, None) + 0.1


def test_one_step_sptm_by_pairs_goes_to_the_neighbour_of_least_distance(world, by_pairs):
    here, goal = (
        by_pairs._localise_goal(np.array(world.observations[rows])) for rows in (slice(0, 20), slice(200, 220))
    )
    found = by_pairs._waypoints(here, goal, None)
    frames = world.observations[by_pairs.vertex_rows]
    for lane in range(20):
        vertices, weights = by_pairs.graph.neighbors(int(here.vertices[lane]))
        kept = sorted(zip(-weights, vertices, strict=True), key=lambda pair: pair[0])[: by_pairs.config.candidates]
        options = [vertex for _, vertex in kept]
        distance = by_pairs.pair_metric.distance(
            frames[options], np.repeat(goal.frames[lane : lane + 1], len(options), 0)
        )
        assert by_pairs.distance(frames[found[lane]], goal.frames[lane]) == pytest.approx(distance.min(), abs=1e-5)


def test_without_actions_it_measures_but_does_not_act(world):
    agent = small("sptm").fit(replace(world, actions=None, num_actions=None), progress=False)
    assert np.isfinite(agent.distance(world.observations[:3], world.observations[9:12])).all()
    with pytest.raises(NotFittedError, match="no inverse model"):
        agent.act(world.observations[:3], world.observations[9:12])


@pytest.mark.parametrize("bad", [{"temporal_subsampling": 0}, {"shortcut_window": -1}, {"min_temporal_gap": -1}])
def test_impossible_options_of_the_memory_graph_are_refused(bad):
    with pytest.raises(ConfigError, match=f"{next(iter(bad))}="):
        SPTMGraphConfig(**bad)


def test_latents_that_are_not_finite_make_no_memory_graph(world):
    rows = np.arange(20)
    with pytest.raises(GraphError, match="diverged"):
        SPTMGraphConfig().build(world, rows, np.full((20, 2), np.nan), 1.0)


def test_by_pairs_fitted_again_forgets_what_it_judged_before(world):
    states, goals = np.array(world.observations[:20]), np.array(world.observations[200:220])
    agent = small("sptm-1-step-pair", pair_metric=PairMetricConfig(steps=40)).fit(world, progress=False)
    agent.act(states, goals)
    agent.fit(world, seed=1, progress=False)
    agent.act(states, goals)
    known = agent._judged[1]
    lane, vertex = np.nonzero(~np.isnan(known))
    frames = world.observations[agent.vertex_rows[vertex]]
    assert len(lane) > 20
    np.testing.assert_allclose(known[lane, vertex], agent.distance(frames, goals[lane]), atol=1e-5)
