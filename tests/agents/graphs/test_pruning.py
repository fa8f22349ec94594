"""Wormhole control against slow versions written out, and on a world with a wormhole that was put there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from agents import Plan2Vec, load_agent
from agents.errors import ConfigError
from agents.graphs.building import GraphConfig
from agents.graphs.graph import Graph
from agents.graphs.pruning import (
    PruningConfig,
    consistent,
    edge_weights,
    member_distances,
    mutually_near,
    supported,
    trusted_edges,
)

from ..worlds import plane, quick_config


@pytest.fixture
def cloud(rng):
    """60 latents of three members with two dimensions each, every pair of them, and ten recorded sequences of six."""
    latents = rng.normal(size=(60, 6)).astype(np.float32)
    pairs = np.array([(a, b) for a in range(60) for b in range(a)])
    recorded = np.array([(i, i + 1) for i in range(59) if (i + 1) % 6])
    return latents, pairs, recorded


@pytest.mark.parametrize("count", [1, 4, 59, 200])
def test_mutually_near_means_that_neither_end_has_so_many_nearer_ones(cloud, count):
    latents, pairs, _ = cloud
    order = cdist(latents, latents).argsort(1).argsort(1)  # rank of each among the nearest of each; itself is 0
    expected = [order[a, b] <= count and order[b, a] <= count for a, b in pairs]
    np.testing.assert_array_equal(mutually_near(latents, pairs, count), expected)


def test_the_distance_is_the_root_mean_square_of_the_members_distances(cloud):
    latents, pairs, _ = cloud
    found = member_distances(latents, pairs, 3)
    joint = cdist(latents, latents)[pairs[:, 0], pairs[:, 1]]
    np.testing.assert_allclose(np.sqrt(np.square(found).mean(1)), joint, rtol=1e-5)
    a, b = pairs[17]
    assert found[17, 1] == pytest.approx(np.linalg.norm(latents[a, 2:4] - latents[b, 2:4]) * 3**0.5, rel=1e-5)


@pytest.mark.parametrize("reach", [0.2, 0.5, 0.9])
def test_support_is_a_third_vertex_near_the_middle(cloud, reach):
    latents, pairs, _ = cloud
    expected = []
    for a, b in pairs:
        gaps = np.linalg.norm(latents - (latents[a] + latents[b]) / 2, axis=1)
        gaps[[a, b]] = np.inf
        expected.append(gaps.min() <= reach * np.linalg.norm(latents[a] - latents[b]))
    assert 0 < sum(expected) < len(pairs)
    np.testing.assert_array_equal(supported(latents, pairs, reach), expected)


@pytest.mark.parametrize(("steps", "slack"), [(1, 0.0), (3, 0.0), (3, 0.7)])
def test_consistent_edges_keep_the_triangle_inequality_along_both_recordings(cloud, steps, slack):
    latents, pairs, recorded = cloud
    gaps = cdist(latents, latents)
    sequence = np.arange(60) // 6

    def holds(a, b):
        return all(
            gaps[a + n, b] <= abs(n) + gaps[a, b] + slack
            for n in range(-steps, steps + 1)
            if n and 0 <= a + n < 60 and sequence[a + n] == sequence[a]
        )

    expected = [holds(a, b) and holds(b, a) for a, b in pairs]
    assert 0 < sum(expected) < len(pairs)
    np.testing.assert_array_equal(consistent(latents, pairs, recorded, steps, slack), expected)


def test_controls_that_are_off_keep_everything_and_all_together_keep_what_each_keeps(cloud):
    latents, pairs, recorded = cloud
    assert trusted_edges(PruningConfig(), pairs, latents, recorded, 2.0, 3).all()
    options = {"mutual": 20, "agreement": 2.0, "support": 0.7, "consistent": 2}
    each = [trusted_edges(PruningConfig(**{k: v}), pairs, latents, recorded, 2.0, 3) for k, v in options.items()]
    assert all(0 < kept.sum() < len(pairs) for kept in each)
    together = trusted_edges(PruningConfig(**options), pairs, latents, recorded, 2.0, 3)
    np.testing.assert_array_equal(together, np.all(each, 0))


def test_a_penalty_grows_with_the_square_of_the_length():
    np.testing.assert_allclose(edge_weights(PruningConfig(penalty=3.0), np.array([0.5, 1.0]), 1.0), [0.875, 4.0])
    np.testing.assert_allclose(edge_weights(PruningConfig(), np.array([0.5, 1.0]), 1.0), [0.5, 1.0])


@pytest.mark.parametrize("name", ["mutual", "agreement", "support", "consistent", "slack", "penalty"])
def test_a_control_below_nothing_is_refused(name):
    with pytest.raises(ConfigError, match=f"{name} is -1"):
        PruningConfig(**{name: -1})


def test_one_network_cannot_agree(cloud):
    latents, pairs, recorded = cloud
    with pytest.raises(ConfigError, match=r"local_metric\.members"):
        trusted_edges(PruningConfig(agreement=1.0), pairs, latents, recorded, 2.0, 1)


def test_a_wormhole_that_one_member_sees_through_is_no_edge():
    """Three members; two of them fold the plane at x = 0, so that left and right of it look alike."""
    dataset = plane(episodes=30, steps=8)
    points = dataset.observations[:, :2] - dataset.observations[:, :2].mean(0)
    folded = np.abs(points * (1, 0)) + points * (0, 1)
    latents = np.concatenate([folded, folded, points], 1) / 3**0.5
    rows = np.arange(len(points))

    def counts(**options):
        config = GraphConfig(bridge=False, pruning=PruningConfig(**options))
        graph = config.build(dataset, rows, latents, 1, 3)
        length = np.linalg.norm(points[graph.starts] - points[graph.indices], axis=1)
        return (graph.inferred & (length > 1.2)).sum(), (graph.inferred & (length < 0.8)).sum()

    (wrong, right), (wrong_after, right_after) = counts(), counts(agreement=1.2)
    assert wrong > 20
    assert wrong_after == 0
    assert right_after == right > 20


def test_edges_that_failed_are_cut_both_ways_and_recorded_ones_stay():
    edges = [(0, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0), (0, 2, 0.5), (2, 0, 0.5)]
    graph = Graph.from_edges(3, edges, inferred=np.array([False, False, True, True, True]))
    left = graph.without([(2, 0), (0, 1)])
    assert sorted(zip(left.starts.tolist(), left.indices.tolist(), strict=True)) == [(0, 1), (1, 2), (2, 1)]
    assert left.inferred.tolist() == [False, False, True]
    assert graph.without([]).num_edges == 5


def test_an_agent_forgets_edges_that_failed_and_whoever_shares_with_it_learns_from_what_is_left(tmp_path):
    dataset, config = plane(episodes=40), quick_config(20)
    agent = Plan2Vec(config).fit(dataset, progress=False)
    found = np.stack([agent.graph.starts, agent.graph.indices], 1)[agent.graph.inferred]
    failed = found[:5]
    before = agent.graph.num_edges
    gone = agent.cut(failed)
    assert gone == before - agent.graph.num_edges > 0
    left = set(zip(agent.graph.starts.tolist(), agent.graph.indices.tolist(), strict=True))
    assert not left & {(a, b) for a, b in failed.tolist()} | left & {(b, a) for a, b in failed.tolist()}
    again = Plan2Vec(config).sharing(agent).fit(dataset, progress=False)
    assert again.graph.num_edges == agent.graph.num_edges
    agent.save(tmp_path / "agent")
    assert load_agent(tmp_path / "agent").graph.num_edges == agent.graph.num_edges
