"""Searches under a budget and what they cost, on lattices whose numbers are known."""

from functools import partial

import numpy as np
import pytest

from agents import Graph
from agents.graphs.search import SearchBudget, best_first, dijkstra
from evaluation.errors import ProtocolError
from evaluation.paper.protocols.planning_cost import (
    ball_sizes,
    budgeted_search,
    exponent,
    pairs_at,
    planning_cost,
    success_by_hops,
)
from evaluation.protocols.heuristics import vertex_heuristic
from evaluation.protocols.memory_graph import MemoryGraph, graph_tasks
from plan2vec_envs.geometry import STEP

OPEN = "Plan2vec/Open-v0"
SIDE = 19  # one step apart, +-.224 m


@pytest.fixture(scope="module")
def lattice():
    """A square lattice of single steps in the open room, four neighbours each."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"))
    here = np.arange(SIDE * SIDE)
    east, north = here[x < SIDE - 1], here[y < SIDE - 1]
    pairs = np.concatenate([np.stack([east, east + SIDE], 1), np.stack([north, north + 1], 1)])
    edges = np.column_stack([np.concatenate([pairs, pairs[:, ::-1]]), np.ones(2 * len(pairs))])
    position = STEP * (np.stack([x, y], 1) - SIDE // 2)
    return MemoryGraph(Graph.from_edges(len(here), edges), here, here[:, None], position, OPEN, "f" * 64)


class Manhattan:
    """Knows the lattice: D is exact."""

    name = "manhattan"

    def distance(self, x, g):
        return np.abs(np.stack(np.divmod(x[:, 0], SIDE)) - np.stack(np.divmod(g[:, 0], SIDE))).sum(0)


class Blind(Manhattan):
    """Knows nothing: every vertex looks alike."""

    name = "blind"

    def distance(self, x, g):
        return np.zeros(len(x))


def searched(agent, memory, pairs, budget):
    """Best-first plans by an agent's D, and their costs over the cheapest."""
    search = partial(best_first, heuristic=vertex_heuristic(agent, memory), budget=budget)
    plans, optimum = budgeted_search(memory, pairs, search)
    return plans, plans.cost_ratio(optimum), optimum


@pytest.mark.parametrize("queue_size", [1, 5, 50, None])
def test_an_exact_metric_needs_one_expansion_a_hop_whatever_the_queue(lattice, queue_size):
    pairs, budget = graph_tasks(lattice, num_tasks=40).pairs, SearchBudget(queue_size=queue_size, max_expansions=100)
    plans, ratio, optimum = searched(Manhattan(), lattice, pairs, budget)
    assert plans.success.all()
    assert (ratio == 1).all()
    assert np.array_equal(plans.hops, optimum)
    assert np.array_equal(plans.hops, plans.expanded)


def test_dijkstra_looks_at_all_that_is_nearer_and_is_refused_more_than_its_budget(lattice):
    centre = SIDE * (SIDE // 2) + SIDE // 2
    pairs = np.array([[centre, centre + 5]])
    plans, _ = budgeted_search(lattice, pairs, dijkstra)
    nearer = 1 + 2 * 4 * 5  # vertices at less than 5 on a lattice: 1 + 4 (1 + 2 + 3 + 4)
    assert nearer <= plans.expanded[0] <= nearer + 4 * 5
    budget = SearchBudget(max_expansions=nearer - 1)
    few, optimum = budgeted_search(lattice, pairs, partial(dijkstra, budget=budget))
    assert not few.success[0]
    assert np.isinf(few.cost_ratio(optimum)[0])
    assert few.hops[0] == 0


def test_noise_finds_goals_late_and_by_detours(lattice, rng):
    pairs = graph_tasks(lattice, num_tasks=40).pairs
    plans, optimum = budgeted_search(
        lattice, pairs, partial(best_first, heuristic=lambda vertices, goals: rng.random(len(vertices)))
    )
    assert plans.success.all()
    assert plans.cost_ratio(optimum).mean() > 1.2
    assert plans.expanded.sum() / plans.hops.sum() > 3


def test_pairs_are_as_far_apart_as_asked_and_missing_depths_are_left_out(lattice):
    tasks, depth = pairs_at(lattice, [1, 5, 400], 20, in_hops=True, seed=0)
    assert sorted(set(depth)) == [1, 5]
    steps = np.abs(lattice.position[tasks.pairs[:, 0]] - lattice.position[tasks.pairs[:, 1]]).sum(1) / STEP
    np.testing.assert_allclose(steps, depth, atol=1e-9)
    with pytest.raises(ProtocolError, match="no 20 vertex pairs"):
        pairs_at(lattice, [400], 20, in_hops=True, seed=0)


def test_dijkstra_grows_with_the_square_of_the_depth_and_a_walker_with_the_depth(lattice):
    """Away from the border a search to depth d expands 2 d^2 vertices on a square lattice, and a walker d."""
    _, cost = planning_cost(Manhattan(), lattice, depths=(2, 3, 4, 6, 8))
    exponents = {name: exponent(found["optimum"], found["expanded"]) for name, found in cost.items()}
    assert 1.5 < exponents["dijkstra"] < 2.1
    for name in ("best-first, manhattan", "greedy, manhattan"):
        assert exponents[name] == 1.0
    assert cost["a-star, manhattan"]["cost_ratio"].max() == 1.0


def test_balls_of_a_square_lattice_grow_quadratically(lattice):
    """The ball of k edges holds 2 k (k + 1) vertices in the middle of the lattice, and fewer at its border."""
    ks = np.arange(1, 6)
    balls, walks = ball_sizes(lattice, ks, centres=1000)
    assert balls[0].mean() == pytest.approx(4 * (1 - 1 / SIDE))
    assert (balls.mean(1) < 2 * ks * (ks + 1)).all()
    assert 1.4 < exponent(np.repeat(ks, balls.shape[1]), balls.ravel()) < 1.8
    assert exponent(np.repeat(ks, walks.shape[1]), walks.ravel()) == 1.0


def test_sampling_without_memory_gets_less_far_than_a_search(lattice):
    hops, met = success_by_hops(Blind(), lattice, hops=(1, 4, 8))
    rate = {name: [flags[hops == hop].mean() for hop in (1, 4, 8)] for name, flags in met.items()}
    assert rate["dijkstra, no limit"] == [1.0, 1.0, 1.0]
    assert rate["random walk"][0] > rate["random walk"][1] > rate["random walk"][2]
    assert rate["greedy"][2] < 0.2  # straight to the lowest vertex, and to and fro there
    assert success_by_hops(Manhattan(), lattice, hops=(8,))[1]["greedy"].all()


def test_the_exponent_of_a_power_law_is_its_power(rng):
    depth = rng.uniform(1, 30, 200)
    assert exponent(depth, 3 * depth**1.7) == 1.7
    assert exponent(depth, 30 * depth**1.7 * np.exp(rng.normal(0, 0.3, 200))) == pytest.approx(1.7, abs=0.1)


def test_one_depth_alone_has_no_exponent():
    assert exponent(np.full(5, 3.0), np.arange(5)) is None
