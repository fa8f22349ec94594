"""Searches under a budget and what they cost, on lattices whose numbers are known."""

import json

import numpy as np
import pytest

from agents import Graph, UniformAgent
from agents.graphs.search import SearchBudget
from evaluation.errors import ProtocolError, ResultsError
from evaluation.paper.protocols.budgeted_search import QUEUE_SIZES, SearchResult, budgeted_search
from evaluation.paper.protocols.planning_cost import ball_sizes, exponent, pairs_at, planning_cost, success_by_hops
from evaluation.protocols.memory_graph import MemoryGraph, graph_tasks
from evaluation.protocols.oracles import GeodesicGreedy
from plan2vec_envs import UnknownNameError
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


@pytest.mark.parametrize("queue_size", QUEUE_SIZES)
def test_an_exact_metric_needs_one_expansion_a_hop_whatever_the_queue(lattice, queue_size):
    tasks = graph_tasks(lattice, num_tasks=40)
    found = budgeted_search(Manhattan(), lattice, tasks, SearchBudget(queue_size=queue_size, max_expansions=100))
    assert found.success_rate == 1.0
    assert (found.cost_ratio == 1).all()
    assert np.array_equal(found.expanded, found.hops)
    assert np.array_equal(found.hops, found.optimum)


def test_dijkstra_looks_at_all_that_is_nearer_and_is_refused_more_than_its_budget(lattice):
    centre = SIDE * (SIDE // 2) + SIDE // 2
    pairs = np.array([[centre, centre + 5]])
    found = budgeted_search(Blind(), lattice, pairs, SearchBudget(), search="dijkstra")
    nearer = 1 + 2 * 4 * 5  # vertices at less than 5 on a lattice: 1 + 4 (1 + 2 + 3 + 4)
    assert nearer <= found.expanded[0] <= nearer + 4 * 5
    few = budgeted_search(Blind(), lattice, pairs, SearchBudget(max_expansions=nearer - 1), search="dijkstra")
    assert not few.success[0]
    assert np.isnan(few.cost_ratio[0])
    assert few.hops[0] == 0


def test_noise_finds_goals_late_and_by_detours(lattice):
    tasks = graph_tasks(lattice, num_tasks=40)
    noise, same = (budgeted_search(UniformAgent(), lattice, tasks, SearchBudget(), seed=3) for _ in range(2))
    assert noise.success_rate == 1.0
    assert noise.cost_ratio.mean() > 1.2
    assert noise.expanded.sum() > 3 * noise.hops.sum()
    assert np.array_equal(noise.expanded, same.expanded)


def test_search_results_survive_the_round_trip_through_json(lattice):
    found = budgeted_search(Blind(), lattice, graph_tasks(lattice, num_tasks=5), SearchBudget(max_expansions=30))
    assert not found.success.all()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    again = SearchResult.from_dict(data)
    assert again.to_dict() == found.to_dict()
    assert np.isnan(again.cost_ratio[~again.success]).all()
    with pytest.raises(ResultsError, match="format None"):
        SearchResult.from_dict({})


def test_an_unknown_search_is_refused_with_the_closest(lattice):
    with pytest.raises(UnknownNameError, match="best-first"):
        budgeted_search(Blind(), lattice, np.array([[0, 1]]), search="best first")


def test_an_oracle_is_marked_in_its_searches(lattice):
    assert budgeted_search(GeodesicGreedy("open"), lattice, np.array([[0, 30]])).oracle


def test_pairs_are_as_far_apart_as_asked_and_missing_depths_are_left_out(lattice):
    tasks, depth = pairs_at(lattice, [1, 5, 400], 20, in_hops=True, seed=0)
    assert sorted(set(depth)) == [1, 5]
    steps = np.abs(lattice.position[tasks.pairs[:, 0]] - lattice.position[tasks.pairs[:, 1]]).sum(1) / STEP
    np.testing.assert_allclose(steps, depth, atol=1e-9)
    with pytest.raises(ProtocolError, match="no 20 vertex pairs"):
        pairs_at(lattice, [400], 20, in_hops=True, seed=0)


def test_dijkstra_grows_with_the_square_of_the_depth_and_a_walker_with_the_depth(lattice):
    """Away from the border a search to depth d expands 2 d^2 vertices on a square lattice, and a walker d."""
    cost = planning_cost(Manhattan(), lattice, depths=(2, 3, 4, 6, 8), plans_per_depth=40)
    json.dumps(cost, allow_nan=False)
    exponents = {name: found["exponents"]["expanded"] for name, found in cost["searches"].items()}
    assert 1.5 < exponents["dijkstra"]["value"] < 2.1
    assert exponents["dijkstra"]["low"] < exponents["dijkstra"]["value"] < exponents["dijkstra"]["high"]
    for name in ("best-first, manhattan", "greedy, manhattan"):
        assert exponents[name]["value"] == pytest.approx(1.0, abs=1e-6)
    assert max(cost["searches"]["a-star, manhattan"]["cost_ratio"]) == 1.0


def test_balls_of_a_square_lattice_grow_quadratically(lattice):
    """The ball of k edges holds 2 k (k + 1) vertices in the middle of the lattice, and fewer at its border."""
    sizes = ball_sizes(lattice, range(1, 6), centres=1000)
    assert sizes["ball"][0] == pytest.approx(4 * (1 - 1 / SIDE))
    assert all(found < 2 * k * (k + 1) for k, found in zip(sizes["k"], sizes["ball"], strict=True))
    assert 1.4 < sizes["exponents"]["ball"]["value"] < 1.8
    assert sizes["exponents"]["walk"]["value"] == pytest.approx(1.0)


def test_sampling_without_memory_gets_less_far_than_a_search(lattice):
    found = success_by_hops(Blind(), lattice, hops=(1, 4, 8), plans_per_hop=40)
    json.dumps(found, allow_nan=False)
    rate = {name: [entry["value"] for entry in row] for name, row in found["rates"].items()}
    assert rate["dijkstra, no limit"] == [1.0, 1.0, 1.0]
    assert rate["random walk"][0] > rate["random walk"][1] > rate["random walk"][2]
    assert rate["greedy"][2] < 0.2  # straight to the lowest vertex, and to and fro there
    assert success_by_hops(Manhattan(), lattice, hops=(8,), plans_per_hop=40)["rates"]["greedy"][0]["value"] == 1.0


def test_the_exponent_of_a_power_law_is_its_power(rng):
    depth = rng.uniform(1, 30, 200)
    exact = exponent(depth, 3 * depth**1.7)
    assert [exact.value, exact.low, exact.high] == pytest.approx([1.7] * 3)
    noisy = exponent(depth, 30 * depth**1.7 * np.exp(rng.normal(0, 0.3, 200)))
    assert noisy.low < 1.7 < noisy.high
    slope = np.polyfit(np.log(depth), np.log(30 * depth**1.7), 1)[0]
    assert noisy.value == pytest.approx(slope, abs=0.1)


def test_one_depth_alone_has_no_exponent():
    assert np.isnan(exponent(np.full(5, 3.0), np.arange(5)).value)
