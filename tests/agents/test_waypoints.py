"""Waypoints by D: a few greedy edges ahead on the graph, then the inverse model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents import Plan2VecWaypoints, Plan2VecWaypointsConfig
from agents.errors import ConfigError
from agents.graph_building import GraphConfig
from agents.inverse_model import InverseModelConfig

from .worlds import MOVES, plane, quick_config

SIDE = 6.0


@pytest.fixture(scope="module", params=["anchored", "network"])
def agent(request):
    quick = quick_config(150)
    config = Plan2VecWaypointsConfig(
        embedding=request.param,
        local_metric=quick.local_metric,
        graph=GraphConfig(max_vertices=300),
        global_metric=replace(quick.global_metric, steps=300),
        inverse_model=InverseModelConfig(steps=200, hidden=32, batch_size=64),
        hops=2,
    )
    return Plan2VecWaypoints(config).fit(plane(episodes=60, side=SIDE), progress=False)


def test_it_walks_to_the_goal_without_a_search(agent):
    rng = np.random.default_rng(5)
    here, goal = rng.uniform(0, SIDE, (2, 40, 2)).astype(np.float32)
    memory, reached = agent.new_memory(40), np.zeros(40, bool)
    for _ in range(25):
        target = here + MOVES[agent.act(here, goal, memory=memory, rng=rng)]
        here = np.where(((target >= 0) & (target <= SIDE)).all(1, keepdims=True), target, here)
        reached |= np.linalg.norm(here - goal, axis=1) < 0.8
    assert reached.mean() > 0.8


def test_a_waypoint_is_so_many_edges_away_each_to_the_neighbour_with_the_least_distance(agent, rng):
    points = rng.uniform(0, SIDE, (2, 10, 2)).astype(np.float32)
    here, goal = agent._see(points[0]), agent._see(points[1])
    table = agent.vertex_embeddings
    for start, end, found in zip(here.vertices, goal.vertices, agent._waypoints(here, goal), strict=True):
        at, been = start, [start]
        for _ in range(2):
            around = [v for v in agent.graph.neighbors(at)[0] if v not in been]
            if at == end or not around:
                break
            gaps = agent.between(table[around], np.repeat(table[[end]], len(around), 0))
            at = around[int(gaps.argmin())]
            been.append(at)
        assert found == at


def test_no_waypoint_is_refused():
    with pytest.raises(ConfigError, match="hops is 0"):
        Plan2VecWaypointsConfig(hops=0)
