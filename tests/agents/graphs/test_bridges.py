"""Bridges of many components: a minimum spanning tree by another algorithm, and time that does not grow with pieces."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from agents.graphs import bridges as bridging
from agents.graphs.bridges import find_bridges, join_components


def spanning_weight(latents: np.ndarray, components: np.ndarray) -> float:
    """Of scipy's spanning tree over the matrix of gaps between components; none of the gaps is 0."""
    count = components.max() + 1
    gaps = np.full((count, count), np.inf)
    labels = np.broadcast_to(components, (len(latents), len(latents)))
    np.minimum.at(gaps, (labels.T, labels), cdist(latents, latents))
    np.fill_diagonal(gaps, 0)
    return float(minimum_spanning_tree(gaps).sum())


def pieces_joined(bridges: np.ndarray, components: np.ndarray) -> int:
    """How many pieces are left, by relabelling."""
    label = components.copy()
    for a, b in bridges:
        label[label == label[a]] = label[b]
    return len(np.unique(label))


@pytest.mark.parametrize("dimensions", [3, 11])  # by trees, and by blocks
@pytest.mark.parametrize(("count", "seed"), [(2, 0), (3, 1), (17, 2), (150, 3), (150, 4)])
def test_bridges_are_a_minimum_spanning_tree(seed, count, dimensions):
    rng = np.random.default_rng(seed)
    components = np.concatenate([np.arange(count), rng.integers(count, size=1300)])
    latents = rng.uniform(0, 20, (count, dimensions))[components] + rng.normal(size=(len(components), dimensions))
    bridges = join_components(latents, components)
    assert len(bridges) == count - 1
    assert pieces_joined(bridges, components) == 1
    weight = np.linalg.norm(latents[bridges[:, 0]] - latents[bridges[:, 1]], axis=1).sum()
    assert weight == pytest.approx(spanning_weight(latents, components))


def test_they_are_the_bridges_that_are_found_for_few_vertices(rng):
    components = rng.integers(40, size=600)
    latents = rng.uniform(0, 30, (40, 4))[components] + rng.normal(size=(600, 4))
    found = [{frozenset(pair) for pair in f(latents, components).tolist()} for f in (join_components, find_bridges)]
    assert found[0] == found[1]


@pytest.mark.parametrize("dimensions", [2, 9])
def test_a_way_out_of_a_crowd_at_one_spot_is_found(dimensions):
    """No outsider is among anybody's eight nearest."""
    latents = np.zeros((150, dimensions))
    latents[:, :2] = np.repeat([[0.0, 0.0], [3.0, 0.0], [3.0, 5.0]], [40, 50, 60], axis=0)
    bridges = join_components(latents, np.repeat([7, 2, 5], [40, 50, 60]))
    assert sorted(np.linalg.norm(latents[bridges[:, 0]] - latents[bridges[:, 1]], axis=1)) == [3.0, 5.0]


def test_equal_gaps_close_no_circle():
    """Every piece of a lattice has four nearest ones."""
    lattice = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), -1).reshape(-1, 2)
    bridges = join_components(lattice, np.arange(400))
    assert len(bridges) == 399
    assert pieces_joined(bridges, np.arange(400)) == 1
    np.testing.assert_array_equal(np.abs(lattice[bridges[:, 0]] - lattice[bridges[:, 1]]).sum(1), 1)


def test_what_is_in_one_piece_needs_no_bridge():
    assert join_components(np.zeros((4, 2)), np.array([3, 3, 3, 3])).shape == (0, 2)


def test_vertices_are_searched_in_parts_with_the_same_result(rng, monkeypatch):
    components, latents = rng.integers(30, size=500), rng.normal(size=(500, 3))
    whole = join_components(latents, components)
    monkeypatch.setattr(bridging, "_AT_ONCE", 37)
    np.testing.assert_array_equal(join_components(latents, components), whole)


def test_twenty_thousand_pieces_take_seconds(rng):
    """A pass over all vertices for each piece would be 10^9 looks."""
    latents = rng.uniform(0, 30, (40_000, 3))
    begin = time.process_time()
    assert len(find_bridges(latents, np.arange(40_000) // 2)) == 19_999
    assert time.process_time() - begin < 15
