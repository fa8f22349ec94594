"""Plans through pictures of a rope: how large their steps are, against slow versions written out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.distance import cdist, directed_hausdorff

from agents.graphs.graph import Graph
from data_collection.collection.rope import collect_rope
from evaluation.paper.experiments.rope import largest_recorded_gap
from evaluation.paper.rope.rope_plans import (
    PLANNERS,
    hausdorff,
    largest_displacements,
    largest_visible_gaps,
    plan_all,
    rope_pixels,
    rope_tasks,
)
from plan2vec_envs.rope.picture import draw_frames


@pytest.fixture(scope="module")
def dataset():
    return collect_rope(3, 30, seed=0, progress=False)


@pytest.fixture(scope="module")
def plans(dataset):
    """Along recorded steps, both ways, and over two bridges between sequences."""
    steps = np.concatenate(
        [dataset.transitions, dataset.transitions[:, ::-1], [(30, 31), (31, 30), (61, 62), (62, 61)]]
    )
    graph = Graph.from_edges(93, np.column_stack([steps, np.ones(len(steps))]))
    starts, goals = np.array([0, 5, 40, 90]), np.array([92, 2, 70, 90])
    return plan_all(graph, lambda v, g: np.abs(v - g).astype(float), starts, goals)


def test_every_planner_finds_the_only_way(plans):
    assert tuple(plans) == PLANNERS
    for found in plans.values():
        assert found.success.all()
        assert found.hops.tolist() == [92, 3, 30, 0]


def test_the_largest_step_is_that_of_the_node_that_moves_most(dataset, plans):
    nodes = np.asarray(dataset.oracle_position, np.float64)
    found = largest_displacements(plans["dijkstra"], nodes)
    for path, value in zip(plans["dijkstra"].vertices, found, strict=True):
        steps = [np.hypot(*(nodes[a] - nodes[b]).T).max() for a, b in pairwise(path)]
        assert value == pytest.approx(max(steps, default=0.0))


def test_visible_gaps_are_hausdorff_distances_of_what_is_brighter_than_a_peg(dataset, plans):
    found = largest_visible_gaps(plans["dijkstra"], dataset.observations)
    for path, value in zip(plans["dijkstra"].vertices, found, strict=True):
        shapes = [np.argwhere(dataset.observations[row, 0] > 96) for row in path]
        gaps = [max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]) for a, b in pairwise(shapes)]
        assert value == pytest.approx(max(gaps, default=0.0))


def test_hausdorff_is_the_largest_of_the_nearest(rng):
    a, b = rng.integers(64, size=(20, 2)), rng.integers(64, size=(30, 2))
    gaps = cdist(a, b)
    assert hausdorff(a, b) == pytest.approx(max(gaps.min(0).max(), gaps.min(1).max()))
    assert hausdorff(a, b[:0]) == float("inf")


def test_pegs_are_no_rope():
    nodes = np.column_stack([np.full(22, 5.0), np.linspace(2, 60, 22)])  # far from both pegs
    for ordered in (True, False):
        columns = rope_pixels(draw_frames(nodes[None], ordered)[0])[:, 1]
        assert len(columns) > 50
        assert np.abs(columns - 5).max() <= 3


@pytest.mark.parametrize("across", [True, False])
def test_tasks_are_of_two_sequences_or_go_forward_in_one(dataset, rng, across):
    tasks = rope_tasks(dataset, 40, rng, across=across)
    ids = dataset.episode_ids
    assert ((ids[tasks.start] != ids[tasks.goal]) == across).all()
    assert (tasks.recorded == (-1 if across else tasks.goal - tasks.start)).all()
    assert across or (tasks.recorded > 0).all()


def test_most_recorded_steps_stay_below_the_recorded_gap(dataset):
    limit = largest_recorded_gap(dataset)
    shapes = [rope_pixels(frame) for frame in dataset.observations]
    gaps = [hausdorff(shapes[a], shapes[b]) for a, b in dataset.transitions]
    assert np.mean(np.array(gaps) <= limit) == pytest.approx(0.95, abs=0.05)
