"""Plan2vec by waypoints, and by looking one action ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import dijkstra

from agents import Plan2VecWaypoints, Plan2VecWaypointsConfig
from agents.control.controls import ForwardControl, Hops, InverseControl, Ring
from agents.control.forward_model import ForwardModelConfig
from agents.control.inverse_model import InverseModelConfig
from agents.control.lookahead import LookaheadConfig, cost_to_go, nearest_vertices
from agents.errors import ConfigError
from agents.graphs import path_cache as ways
from agents.graphs.building import GraphConfig
from agents.metrics.tables.anchored import AnchoredConfig
from agents.training.config_json import with_option

from ..worlds import MOVES, plane, quick_config

SIDE = 6.0


def config(**options):
    quick = quick_config(150)
    return Plan2VecWaypointsConfig(
        local_metric=quick.local_metric,
        graph=GraphConfig(max_vertices=300),
        **{"global_metric": with_option(quick.global_metric, "algorithm.steps", 300), **options},
    )


def inverse(waypoint):
    return InverseControl(InverseModelConfig(steps=200, hidden=32, batch_size=64), waypoint)


def embedding(name):
    return {"global_metric": AnchoredConfig()} if name == "anchored" else {}


@pytest.fixture(scope="module", params=["anchored", "network"])
def agent(request):
    chosen = config(**embedding(request.param), control=inverse(Hops(2)))
    return Plan2VecWaypoints(chosen).fit(plane(episodes=60, side=SIDE), progress=False)


@pytest.fixture(scope="module", params=["paths", "metric"])
def foresighted(request):
    model = ForwardModelConfig(steps=200, hidden=32, batch_size=64)
    chosen = config(
        control=ForwardControl(model, LookaheadConfig(distance_source=request.param)), **embedding("anchored")
    )
    return Plan2VecWaypoints(chosen).fit(plane(episodes=60, side=SIDE), progress=False)


def share_solved(agent):
    rng = np.random.default_rng(5)
    here, goal = rng.uniform(0, SIDE, (2, 40, 2)).astype(np.float32)
    memory, reached = agent.new_memory(40), np.zeros(40, bool)
    for _ in range(25):
        target = here + MOVES[agent.act(here, goal, memory=memory, rng=rng)]
        here = np.where(((target >= 0) & (target <= SIDE)).all(1, keepdims=True), target, here)
        reached |= np.linalg.norm(here - goal, axis=1) < 0.8
    return reached.mean()


def test_it_walks_to_the_goal_without_a_search(agent):
    assert share_solved(agent) > 0.8


def test_it_acts_by_what_the_places_know_where_actions_lead(foresighted):
    assert share_solved(foresighted) > 0.8


def test_it_learns_the_one_model_that_its_control_needs(agent, foresighted):
    assert [log.stage for log in agent.fit_log] == ["local", "graph", "global", "inverse"]
    assert [log.stage for log in foresighted.fit_log] == ["local", "graph", "global", "forward"]


def test_a_loaded_one_acts_alike(foresighted, tmp_path, rng):
    here, goal = rng.uniform(0, SIDE, (2, 10, 2)).astype(np.float32)
    foresighted.save(tmp_path)
    np.testing.assert_array_equal(Plan2VecWaypoints.load(tmp_path).act(here, goal), foresighted.act(here, goal))


def test_ways_are_the_shortest_paths_of_the_graph(agent, rng):
    vertices, goals = rng.integers(agent.graph.num_vertices, size=(2, 6))
    known = ways.PathCache(agent.graph)
    rows = known.rows(goals)
    np.testing.assert_allclose(known.distance[rows, vertices], dijkstra(agent.graph.matrix)[vertices, goals], rtol=1e-5)


def test_the_way_ahead_is_the_least_over_vertices_and_the_straight_line(rng):
    config = LookaheadConfig(off_graph_weight=3.0, goal_radius=1.5)
    imagined, vertices, goal = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 4, 3), (2, 5, 3), (2, 3)))
    way = rng.uniform(0, 9, (2, 5)).astype(np.float32)
    found = cost_to_go(config, *(torch.as_tensor(each) for each in (imagined, vertices, way, goal))).numpy()
    for b in range(2):
        for k in range(4):
            ways = [3 * np.linalg.norm(imagined[b, k] - v) + w for v, w in zip(vertices[b], way[b], strict=True)]
            straight = np.linalg.norm(imagined[b, k] - goal[b])
            assert found[b, k] == pytest.approx(min([*ways, 3 * straight] if straight <= 1.5 else ways), rel=1e-4)


def test_the_spot_is_the_nearest_vertices(rng):
    latents, keys = rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(5, 4)).astype(np.float32)
    found = nearest_vertices(latents, keys, 7)
    for key, vertices in zip(keys, found, strict=True):
        nearest = np.linalg.norm(latents - key, axis=1).argsort()[:7]
        assert set(vertices.tolist()) == set(nearest.tolist())


def test_a_waypoint_is_so_many_edges_away_each_to_the_neighbour_with_the_least_distance(agent, rng):
    points = rng.uniform(0, SIDE, (2, 10, 2)).astype(np.float32)
    here, goal = agent._localise(points[0]), agent._localise(points[1])
    table = agent.vertex_embeddings
    for start, end, found in zip(here.vertices, goal.vertices, agent._waypoints(here, goal, None), strict=True):
        at, been = start, [start]
        for _ in range(2):
            around = [v for v in agent.graph.neighbors(at)[0] if v not in been]
            if at == end or not around:
                break
            gaps = agent.between(table[around], np.repeat(table[[end]], len(around), 0))
            at = around[int(gaps.argmin())]
            been.append(at)
        assert found == at


@pytest.mark.parametrize("name", ["anchored", "network"])
def test_a_waypoint_on_a_ring_has_the_least_distance_however_often_goals_are_asked_about(name, rng):
    ring = inverse(Ring(ring=2.0, distance_source="metric"))
    agent = Plan2VecWaypoints(config(**embedding(name), control=ring))
    agent.fit(plane(episodes=60, side=SIDE), progress=False)
    table, latents = agent.vertex_embeddings, agent.local_latents
    goals = rng.uniform(0, SIDE, (2, 1, 2)).astype(np.float32)
    ends = [agent._localise(goal).vertices[0] for goal in goals]
    for turn in range(12):
        here = rng.uniform(0, SIDE, (1, 2)).astype(np.float32)
        gaps = np.linalg.norm(latents - agent.local_metric.embed(here), axis=1)
        left = agent.between(table, table[ends[turn % 2]][None])
        left[(gaps < 1.0) | (gaps > 2.0)] = np.inf
        (found,), _ = agent.next_waypoints(here, goals[turn % 2])
        assert left[found] == pytest.approx(left.min(), rel=1e-5)


def test_a_distance_is_measured_once_and_after_many_goals_anew(monkeypatch):
    asked = []

    def between(z, g):
        asked.append(len(z))
        return np.abs(z - g)[:, 0]

    monkeypatch.setattr(ways, "_MAX_GOALS", 2)
    known = ways.DistanceCache(np.arange(10.0)[:, None], between)
    for goal, vertices in ((9, [1, 2, 3]), (9, [2, 3, 4]), (9, [4, 1]), (0, [2, 2]), (5, [1]), (9, [1])):
        np.testing.assert_array_equal(known.to(goal, np.array(vertices)), np.abs(np.array(vertices) - goal))
    assert asked == [3, 1, 2, 1, 1]


def test_no_waypoint_is_refused():
    with pytest.raises(ConfigError, match="hops is 0"):
        Hops(hops=0)
