"""Found edges against the truth, on a graph small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agents.graphs.building import GraphConfig
from agents.graphs.graph import Graph
from agents.graphs.pruning import PruningConfig
from data_collection import Dataset
from evaluation.paper.edges.edge_truth import (
    clean_up,
    draw_tasks,
    false_on_ways,
    found_pairs,
    judge,
    pair_keys,
    shortest_ways,
)
from evaluation.paper.edges.edge_worlds import EdgeWorld

GROUPS = np.repeat([0, 1], 5)
POSITION = np.tile(np.arange(5.0), 2)
"""Two trajectories along one corridor, 0 .. 4 and again 5 .. 9."""
CLOSURES = np.array([(0, 5), (1, 6), (2, 7), (3, 8), (4, 9)])


def is_false(pairs):
    return np.abs(POSITION[pairs[:, 0]] - POSITION[pairs[:, 1]]) > 1


def corridor(*found):
    """Recorded steps of length 1 both ways, and found edges (a, b, weight) both ways."""
    steps = [(v, v + 1, 1.0) for v in (0, 1, 2, 3, 5, 6, 7, 8)]
    edges = np.array([*steps, *found])
    edges = np.concatenate([edges, edges[:, [1, 0, 2]]])
    inferred = np.tile(np.arange(len(steps) + len(found)) >= len(steps), 2)
    return Graph.from_edges(10, edges, inferred)


def test_edges_and_plans_are_counted_as_by_hand():
    """Closures found: (0, 5) of five. False: (1, 9), the short cut from 0 to 9, but not on the way from 0 to 5."""
    graph = corridor((0, 5, 0.5), (1, 9, 0.1))
    found = judge(graph, CLOSURES, is_false, np.array([0, 0, 4, 2]), np.array([9, 5, 9, 6]))
    # 0-1-9 is false; 0-5 is right; 4-3-2-1-9 is false; 2-1-0-5-6 costs 3.5, 2-1-9-8-7-6 costs 4.1.
    assert (found["found"], found["recall"], found["false"]) == (2, 0.2, 0.5)
    assert (found["connected"], found["clean"]) == (1.0, 0.5)
    # Edges between the closures: 0-5 1; 1-0-5-6 3; 2-1-9-8-7 4; 3-2-1-9-8 4; 4-3-2-1-9 4.
    assert found["short"] == pytest.approx(0.4)


def test_a_recorded_edge_is_never_a_found_one():
    graph = corridor((0, 5, 0.5), (0, 1, 0.7))
    assert found_pairs(graph).tolist() == [[0, 1], [0, 5]]
    assert not len(found_pairs(graph.without(np.array([(0, 1), (0, 5)]))))


def test_pieces_that_no_edge_joins_have_no_plan_and_no_share():
    found = judge(corridor(), CLOSURES, is_false, np.array([0, 7]), np.array([9, 2]))
    assert found == {"found": 0, "recall": 0.0, "short": 0.0, "false": None, "connected": 0.0, "clean": None}


def test_a_plan_names_its_false_edges_in_either_direction():
    graph = corridor((1, 9, 0.1))
    ways = shortest_ways(graph, np.array([0, 8, 0]), np.array([9, 0, 2]))
    assert [way.tolist() for way in ways] == [[0, 1, 9], [8, 9, 1, 0], [0, 1, 2]]
    met = false_on_ways(ways, pair_keys([(9, 1)], 10), 10)
    assert [edges.tolist() for edges in met] == [[[1, 9]], [[9, 1]], []]


def test_clean_up_cuts_false_edges_that_plans_meet_and_nothing_else():
    """Every plan between the corridors goes along the free wormhole (1, 9); the dear one (2, 5) is never met."""
    graph = corridor((0, 5, 0.5), (1, 9, 0.01), (2, 5, 50.0))
    once = clean_up(graph, is_false, GROUPS, 1, 40, rng=np.random.default_rng(0))
    assert found_pairs(once).tolist() == [[0, 5], [2, 5]]
    assert once.num_edges == graph.num_edges - 2


def test_a_longer_clean_up_begins_as_a_shorter_one(rng):
    """So its found edges are among those that the shorter one left."""
    pairs = rng.integers(5, size=(12, 2)) + np.array([0, 5])
    graph = corridor(*((int(a), int(b), float(w)) for (a, b), w in zip(pairs, rng.random(12), strict=True)))
    left = [
        {
            tuple(pair)
            for pair in found_pairs(clean_up(graph, is_false, GROUPS, n, 5, np.random.default_rng(3))).tolist()
        }
        for n in (0, 1, 4)
    ]
    assert left[2] < left[1] < left[0]
    assert {pair for pair in left[0] if not is_false(np.array([pair]))[0]} <= left[2]


def test_tasks_join_different_trajectories_and_follow_the_seed():
    starts, goals = draw_tasks(GROUPS, 33, np.random.default_rng(0))
    assert len(starts) == len(goals) == 33
    assert (GROUPS[starts] != GROUPS[goals]).all()
    assert np.array_equal(draw_tasks(GROUPS, 33, np.random.default_rng(0))[0], starts)
    assert not np.array_equal(draw_tasks(GROUPS, 33, np.random.default_rng(1))[0], starts)


@pytest.mark.parametrize(
    "controls",
    [PruningConfig(), PruningConfig(agreement=1.0, mutual=4, consistent=2, slack=0.5), PruningConfig(penalty=3.0)],
)
def test_a_world_builds_the_graph_that_an_agent_would(rng, controls):
    latents = rng.random((40, 4), dtype=np.float32)
    dataset = Dataset(np.zeros((40, 1, 2, 2), np.uint8), None, np.full(4, 9))
    config = GraphConfig(both_ways=True, bridge=False, pruning=controls)
    world = EdgeWorld(latents, latents, 2, dataset.transitions, dataset.episode_ids, 0.3, CLOSURES, is_false, config)
    wanted = config.build(dataset, np.arange(40), latents, 0.3, 2).arrays()
    for graph in (world.build(0.3, controls), world.default()):
        assert all(np.array_equal(wanted[name], array) for name, array in graph.arrays().items())


def test_a_threshold_of_some_recall_joins_just_so_many_closures(rng):
    latents = rng.random((10, 3))
    config = GraphConfig(bridge=False)
    recorded = np.zeros((0, 2), np.int64)
    world = EdgeWorld(latents, latents, 1, recorded, GROUPS, 0.3, CLOSURES, is_false, config)
    for count in range(1, 6):
        graph = world.build(world.threshold_of_recall(count / 5), PruningConfig())
        tasks = np.array([0]), np.array([9])
        assert judge(graph, CLOSURES, is_false, *tasks)["recall"] == count / 5
