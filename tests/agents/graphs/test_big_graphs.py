"""Graphs of more than 20,000 vertices are built without a matrix of all vertices by all."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from agents.graphs.building import GraphConfig
from agents.graphs.graph import Graph
from agents.graphs.landmarks import covering_radius, farthest_points
from agents.graphs.pruning import PruningConfig
from agents.graphs.shortest_paths import distances_from
from agents.metrics.tables.table_embedding import TableConfig, embed_table
from data_collection import Dataset, Episode

SIZE = 20_502  # vertices, 102 trajectories of 201 frames
LIMIT = 150e6  # bytes; a matrix of all by all takes 420e6 in single bytes


@contextmanager
def no_square() -> Iterator[None]:
    """Fails if what numpy and Python hold at some moment could be a matrix of all vertices by all."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LIMIT, f"{peak / 1e6:.0f} MB at once"


def walks(dimensions: int) -> Dataset:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(SIZE // 201):
        path = rng.uniform(0, 24, dimensions) + np.cumsum(rng.normal(0, 0.5, (201, dimensions)), axis=0)
        made.append(Episode(path.astype(np.float32), np.zeros(200, np.int64)))
    return Dataset.from_episodes(made, num_actions=1)


@pytest.mark.parametrize("dtype", [np.float32, bool])
def test_the_guard_sees_a_matrix_of_all_by_all(dtype):
    with pytest.raises(AssertionError, match="MB at once"), no_square():
        np.empty((SIZE, SIZE), dtype)


@pytest.mark.parametrize(
    ("dimensions", "threshold", "options"),
    [
        (3, 0.8, {}),
        (3, 0.8, {"max_degree": 20}),
        (3, 60.0, {"max_degree": 20}),  # everybody is near everybody
        (3, 1e-3, {}),  # nobody is near anybody: many bridges
        (12, 3.0, {"max_degree": 20, "search": "blocks", "bridge": False}),
        pytest.param(12, 500.0, {"max_degree": 20, "search": "blocks"}, marks=pytest.mark.slow),
        pytest.param(12, 1.5, {}, marks=pytest.mark.slow),
        (3, 0.8, {"pruning": PruningConfig(mutual=10, support=1.0, consistent=2)}),
    ],
)
def test_a_big_graph_is_built_without_a_matrix_of_all_by_all(dimensions, threshold, options):
    dataset = walks(dimensions)
    rows = np.arange(SIZE)
    with no_square():
        graph = GraphConfig(**options).build(dataset, rows, dataset.observations, threshold)
    assert graph.num_vertices == SIZE
    assert graph.num_edges >= SIZE - 102
    mean = graph.inferred.sum() / SIZE
    assert mean <= 2 * options.get("max_degree", 50)


def test_landmarks_and_their_distances_need_no_matrix_of_all_by_all():
    rng = np.random.default_rng(0)
    ring = np.stack([np.arange(SIZE), np.roll(np.arange(SIZE), 1)], 1)
    graph = Graph.from_edges(SIZE, np.column_stack([ring, rng.uniform(1, 2, SIZE)]))
    latents = rng.normal(size=(SIZE, 4)).astype(np.float32)
    with no_square():
        chosen = farthest_points(latents, 100, 0)
        assert covering_radius(latents, latents[chosen]) > 0
        assert distances_from(graph, chosen).shape == (100, SIZE)
        assert embed_table(TableConfig(16, 100), graph, rng)[0].shape[0] == SIZE
