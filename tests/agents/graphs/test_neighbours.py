"""Near pairs by every search, against all pairs measured one by one, where coordinates are large, equal or few."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from agents.errors import ConfigError, GraphError
from agents.graphs.building import GraphConfig
from agents.graphs.neighbours import within_radius as neighbours
from agents.graphs.neighbours.exact import BLOCK, block_pairs
from agents.graphs.neighbours.within_radius import near_pairs
from plan2vec_envs.errors import MissingExtraError, UnknownNameError

from ..worlds import plane

EXACT = ("tree", "blocks")


def pairs_of(found: np.ndarray) -> set[tuple[int, int]]:
    """As a set; a pair that stands twice, or the wrong way round, fails."""
    assert found.dtype == np.int64
    assert (found[:, 0] < found[:, 1]).all()
    pairs = set(map(tuple, found.tolist()))
    assert len(pairs) == len(found)
    return pairs


def within(latents: np.ndarray, threshold: float, count: int | None = None) -> set[tuple[int, int]]:
    """From the matrix of all distances in 64 bits: what lies within, or of it the nearest of each vertex."""
    gaps = cdist(latents.astype(np.float64), latents.astype(np.float64))
    np.fill_diagonal(gaps, np.inf)
    near = gaps <= threshold
    if count is not None:
        near &= np.argsort(np.argsort(gaps, axis=1, kind="stable"), axis=1) < count
    near |= near.T
    return set(zip(*(ends.tolist() for ends in np.nonzero(np.triu(near))), strict=True))


@pytest.mark.parametrize("search", EXACT)
@pytest.mark.parametrize(("dimensions", "threshold"), [(2, 0.1), (4, 0.5), (16, 3.0), (64, 9.0)])
def test_pairs_within_the_threshold_are_those_of_all_distances(rng, search, dimensions, threshold):
    latents = rng.normal(size=(BLOCK + 300, dimensions)).astype(np.float32)
    expected = within(latents, threshold)
    assert len(expected) > 500
    assert pairs_of(near_pairs(latents, threshold, search=search)) == expected


@pytest.mark.parametrize("search", EXACT)
@pytest.mark.parametrize("count", [1, 7, 5000])
def test_each_vertex_keeps_its_nearest_within_the_threshold(rng, search, count):
    latents = rng.normal(size=(1500, 4)).astype(np.float32)
    found = pairs_of(near_pairs(latents, 0.6, max_degree=count, search=search))
    assert found == within(latents, 0.6, count)
    assert found < within(latents, 0.6) or count == 5000


@pytest.mark.parametrize("away", [1e3, 1e5])
@pytest.mark.parametrize("count", [0, 6])
def test_a_cluster_far_from_the_origin_has_the_neighbours_that_scipy_finds(rng, away, count):
    """Squares of 1e10 cancel in 32 bits to steps of 1000, a million times the squared threshold."""
    latents = (rng.normal(size=(900, 16)) + away * rng.choice([-1, 1], 16)).astype(np.float32)
    expanded = (latents**2).sum(1)[:, None] + (latents**2).sum(1) - 2 * latents @ latents.T
    naive = np.triu(expanded <= 3.5**2, 1)
    assert set(zip(*(ends.tolist() for ends in np.nonzero(naive)), strict=True)) != within(latents, 3.5)
    if count:
        assert pairs_of(near_pairs(latents, 3.5, max_degree=count, search="blocks")) == within(latents, 3.5, count)
    else:
        scipy = set(map(tuple, cKDTree(latents).query_pairs(3.5, output_type="ndarray").tolist()))
        assert pairs_of(near_pairs(latents, 3.5, search="blocks")) == scipy


def test_clusters_far_from_one_another_have_the_neighbours_that_scipy_finds(rng):
    """No common centre makes them all small."""
    centres = 1e4 * rng.normal(size=(40, 12))
    latents = (centres[rng.integers(40, size=4000)] + rng.normal(size=(4000, 12))).astype(np.float32)
    scipy = set(map(tuple, cKDTree(latents).query_pairs(2.5, output_type="ndarray").tolist()))
    assert len(scipy) > 1000
    assert pairs_of(near_pairs(latents, 2.5, search="blocks")) == scipy


def test_pairs_exactly_at_the_threshold_are_within_it_for_every_search():
    lattice = np.stack(np.meshgrid(*[np.arange(12)] * 3), -1).reshape(-1, 3).astype(np.float32)
    tree, blocks = (pairs_of(near_pairs(lattice, 1.0, search=search)) for search in EXACT)
    assert tree == blocks
    assert len(tree) == 3 * 11 * 12 * 12
    capped = [pairs_of(near_pairs(lattice, 1.0, max_degree=6, search=search)) for search in EXACT]
    assert capped == [tree, tree]  # nobody has more than six


@pytest.mark.parametrize("search", EXACT)
def test_more_vertices_at_one_spot_than_are_kept_do_not_lose_anybody_their_count(search):
    latents = np.zeros((40, 3), np.float32)
    degree = np.bincount(near_pairs(latents, 1.0, max_degree=5, search=search).reshape(-1), minlength=40)
    assert degree.min() >= 5
    assert degree.sum() <= 2 * 5 * 40


@pytest.mark.parametrize("search", EXACT)
@pytest.mark.parametrize("size", [1, 2])
def test_one_or_two_vertices_are_searched_too(search, size):
    latents = np.zeros((size, 3), np.float32)
    for count in (0, 3):
        assert len(near_pairs(latents, 1.0, max_degree=count, search=search)) == size - 1


def test_what_is_far_is_not_even_measured(rng, monkeypatch):
    """Blocks of a line: each meets its neighbours only."""
    seen = []
    from agents.graphs.neighbours import exact as neighbour_blocks

    real = neighbour_blocks._proposals
    monkeypatch.setattr(neighbour_blocks, "_proposals", lambda *args: seen.append(1) or real(*args))
    latents = np.arange(10 * BLOCK, dtype=np.float32)[rng.permutation(10 * BLOCK), None]
    assert sum(len(part) for part in block_pairs(latents, 1.0)) == 10 * BLOCK - 1
    assert len(seen) <= 3 * 10


def test_without_a_cap_the_graph_is_bit_for_bit_that_of_scipys_tree():
    dataset = plane(episodes=30)
    rows = np.arange(len(dataset.observations))
    latents = np.random.default_rng(1).normal(size=(len(rows), 12)).astype(np.float32)
    default = GraphConfig().build(dataset, rows, latents, 3.0).arrays()
    tree = GraphConfig(max_degree=0, search="tree").build(dataset, rows, latents, 3.0).arrays()
    blocks = GraphConfig(search="blocks").build(dataset, rows, latents, 3.0).arrays()
    for name, array in default.items():
        np.testing.assert_array_equal(array, tree[name])
        np.testing.assert_array_equal(array, blocks[name])


def test_a_capped_graph_has_the_nearest_neighbours_and_all_recorded_edges():
    dataset = plane(episodes=40)
    latents = dataset.observations + np.random.default_rng(0).normal(0, 0.01, dataset.observations.shape)
    rows = np.arange(len(latents))
    free, capped = (GraphConfig(max_degree=n, bridge=False).build(dataset, rows, latents, 1.5) for n in (0, 3))
    edges = [{*zip(g.starts.tolist(), g.indices.tolist(), g.inferred.tolist(), strict=True)} for g in (free, capped)]
    assert {e for e in edges[0] if not e[2]} == {e for e in edges[1] if not e[2]}
    near = within(latents, 1.5, 3)
    recorded = {e[:2] for e in edges[1] if not e[2]}
    both = near | {(b, a) for a, b in near}
    assert {e[:2] for e in edges[1] if e[2]} == both - recorded


def test_the_search_fits_the_dimensions_and_the_size(monkeypatch):
    asked = []
    monkeypatch.setattr(neighbours, "BIG_GRAPH", 50)
    monkeypatch.setattr(neighbours, "block_pairs", lambda *args: asked.append("blocks") or iter(()))
    monkeypatch.setattr(neighbours, "index_pairs", lambda *args: asked.append("faiss") or iter(()))
    monkeypatch.setattr(neighbours, "_tree_parts", lambda *args: asked.append("tree") or iter(()))
    for size, dimensions, count in [(60, 8, 4), (50, 9, 4), (60, 9, 4), (60, 9, 0)]:
        near_pairs(np.zeros((size, dimensions), np.float32), 1.0, max_degree=count)
    assert asked == ["tree", "blocks", "faiss", "blocks"]


def test_without_faiss_the_extra_and_the_exact_way_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"'\.\[ann\]'.*search='blocks'"):
        near_pairs(np.zeros((30, 9), np.float32), 1.0, max_degree=4, search="faiss")


def test_more_pairs_than_memory_holds_are_refused_with_a_cap_that_would_do(monkeypatch):
    monkeypatch.setattr(neighbours, "BIG_GRAPH", 100)
    monkeypatch.setattr(neighbours, "_MOST_PAIRS", 10_000)
    latents = np.random.default_rng(0).uniform(size=(400, 2)).astype(np.float32)
    with pytest.raises(GraphError, match=r"400 of 400 vertices.*80,000 pairs.*max_degree=20"):
        near_pairs(latents, 2.0)
    assert len(near_pairs(latents, 2.0, max_degree=20)) <= 400 * 20


def test_options_that_cannot_be_are_refused():
    latents = np.zeros((3, 2), np.float32)
    with pytest.raises(ConfigError, match="max_degree is -1"):
        near_pairs(latents, 1.0, max_degree=-1)
    with pytest.raises(UnknownNameError, match="Did you mean 'blocks'"):
        near_pairs(latents, 1.0, search="block")  # type: ignore[arg-type]
