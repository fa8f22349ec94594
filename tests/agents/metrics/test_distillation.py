"""The ways of distilling a graph into D: walks and targets against slow ones written out, learning, and resuming."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
import torch

from agents.errors import ConfigError, GraphError
from agents.graphs.building import GraphConfig
from agents.graphs.graph import Graph
from agents.graphs.search import dijkstra
from agents.graphs.shortest_paths import distances_from
from agents.metrics.distillation import (
    LOSSES,
    AmortizedSearch,
    AmortizedSearchConfig,
    DistillationProblem,
    LandmarkRegressionConfig,
    ValueIteration,
)
from agents.metrics.distillation.replay import Plans
from agents.metrics.distillation.value_iteration import ValueIterationConfig, moves_within, walk
from agents.metrics.global_metric import GlobalMetric, GlobalMetricConfig
from agents.metrics.heads import HEADS, get_head
from agents.metrics.heads.iqe import IQEHead
from agents.metrics.heads.l2 import SquaredL2Head
from agents.metrics.heads.lp import LpHead
from agents.networks import PooledMLP, embed_in_chunks
from agents.training.config_json import with_option
from agents.training.loop import Training
from agents.training.workdir import Workdir
from data_collection.errors import Plan2vecError

from ..worlds import plane

CPU = torch.device("cpu")
SMALL = {"batch_pairs": 32, "plans": 40, "replan": 5, "capacity": 400}


def random_graph(rng: np.random.Generator, vertices: int = 14, edges: int = 45) -> Graph:
    table = np.column_stack([rng.integers(vertices, size=(edges, 2)), rng.uniform(0.1, 2, edges)])
    return Graph.from_edges(vertices, table)


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, Graph]:
    """Frames that are points of a plane, and the graph over them by their true distances."""
    dataset = plane(episodes=24, steps=8, side=5)
    frames = dataset.observations
    return frames, GraphConfig(recorded_weight="local").build(dataset, np.arange(len(frames)), frames, 1.05)


def problem(frames: np.ndarray, graph: Graph, learn: np.ndarray | None = None) -> DistillationProblem:
    torch.manual_seed(0)
    network = PooledMLP(frames.shape[1:], 4, 16)
    learn = np.arange(len(frames)) if learn is None else learn
    return DistillationProblem(graph, frames, learn, network, get_head("l2"), 1.0, LOSSES["relative"], CPU)


def of_graph(graph: Graph) -> DistillationProblem:
    frames = np.random.default_rng(0).normal(size=(graph.num_vertices, 3)).astype(np.float32)
    return problem(frames, graph)


def apart(metric: GlobalMetric, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(B,) steps between matching frames."""
    return metric.between(metric.embed(x), metric.embed(y))


# Losses


def test_losses_are_their_formulas_written_out(rng):
    distance, target = rng.uniform(0, 30, (2, 50))
    errors = np.abs(distance - target) / (target + 1)
    smooth = np.where(errors < 0.5, errors**2, errors - 0.25)  # x^2 / (2 * .5) within .5, |x| - .25 beyond
    tensors = torch.as_tensor(distance), torch.as_tensor(target)
    assert LOSSES["relative"](*tensors).item() == pytest.approx(smooth.mean(), rel=1e-12)
    assert LOSSES["absolute"](*tensors).item() == pytest.approx(np.abs(distance - target).mean(), rel=1e-12)


# Units


@pytest.mark.parametrize("head", ["l2", "squared-l2"])
@pytest.mark.parametrize("target_scale", [None, 4.0])
def test_a_metric_whose_targets_were_scaled_is_in_steps(world, head, target_scale):
    frames, graph = world
    blocks = LandmarkRegressionConfig(steps=300, sources=100)
    config = GlobalMetricConfig(
        head=get_head(head), latent_dim=4, hidden=32, algorithm=blocks, target_scale=target_scale
    )
    metric, _ = GlobalMetric.fit(
        config, frames, np.zeros(len(frames), bool), graph, Training(0, Workdir(None), CPU, progress=False)
    )
    starts, goals = np.arange(0, 100), np.arange(100, 200)
    truth = distances_from(graph, starts)[np.arange(100), goals]
    assert np.corrcoef(apart(metric, frames[starts], frames[goals]), truth)[0, 1] > 0.9
    assert np.mean(apart(metric, frames[starts], frames[goals])) == pytest.approx(truth.mean(), rel=0.15)


@pytest.mark.parametrize("head", HEADS)
def test_a_problem_measures_in_steps_what_its_head_measures_in_target_scales(head, rng):
    head, z, g = get_head(head), *torch.as_tensor(rng.normal(size=(2, 20, 8)))
    scaled = replace(of_graph(random_graph(rng)), head=head, target_scale=5.0)
    torch.testing.assert_close(scaled.pairwise(z, g), 5 * head.pairwise(z, g))
    torch.testing.assert_close(scaled.distance(z, g), 5 * head.distance(z, g))


def test_a_target_scale_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match=r"target_scale is 0; .* above 0"):
        GlobalMetricConfig(target_scale=0)


# Algorithm 1


def test_dijkstra_per_pair_gives_the_targets_of_all_pairs(world, rng):
    frames, graph = world
    starts, goals = rng.integers(len(frames), size=(2, 60))
    plans = AmortizedSearch(AmortizedSearchConfig(**SMALL), problem(frames, graph)).plan(starts, goals, rng)
    assert plans.kept.all()
    np.testing.assert_array_equal(plans.ends, goals)
    np.testing.assert_allclose(plans.lengths, distances_from(graph, starts)[np.arange(60), goals], rtol=1e-5)


@pytest.mark.parametrize("search", ["a_star", "greedy"])
def test_search_by_a_wrong_distance_gives_the_lengths_of_ways_that_are_there(search, world, rng):
    """Times 20 it overestimates, so A* returns detours; a walk fails where it goes in a circle, and is dropped."""
    frames, graph = world
    config = AmortizedSearchConfig(**SMALL, search=search)
    way = AmortizedSearch(config, problem(frames, graph))
    way.latents = 20 * way.latents
    starts, goals = rng.integers(len(frames), size=(2, 200))
    plans = way.plan(starts, goals, rng)
    optimum = dijkstra(graph, starts, goals).cost
    kept = plans.kept
    assert (plans.lengths[kept] >= optimum[kept] - 1e-4).all()
    assert (plans.lengths[kept] > optimum[kept] + 0.1).any()
    assert np.isfinite(plans.lengths[kept]).all()
    assert kept.all() if search == "a_star" else 0 < kept.sum() < 200


def test_pairs_without_a_plan_are_drawn_again_and_counted():
    """Two islands: half of all pairs have no way."""
    graph = Graph.from_edges(8, [(a + b, c + b, 1.0) for b in (0, 4) for a in range(4) for c in range(4) if a != c])
    way = AmortizedSearch(AmortizedSearchConfig(**SMALL), of_graph(graph))
    batch = way.sample(np.random.default_rng(0))
    assert (batch["starts"] // 4 == batch["goals"] // 4).all()
    figures = way.figures()
    assert int(way._count) == SMALL["plans"]
    assert figures["planned"] > SMALL["plans"]
    assert 0.3 < figures["dropped"] < 0.7


def test_learning_where_no_plan_is_ever_found_is_refused(world, monkeypatch):
    way = AmortizedSearch(AmortizedSearchConfig(**SMALL), problem(*world))
    monkeypatch.setattr(way, "plan", lambda starts, goals, rng: Plans(goals, 0.0 * goals, np.zeros(len(goals), bool)))
    with pytest.raises(GraphError, match="no plan was found for any of 400 pairs"):
        way.sample(np.random.default_rng(0))


def test_only_vertices_to_learn_from_are_starts_and_goals(world):
    frames, graph = world
    learn = np.arange(0, len(frames), 3)
    for way in (AmortizedSearch(AmortizedSearchConfig(**SMALL), problem(frames, graph, learn)),
                ValueIteration(ValueIterationConfig(**SMALL), problem(frames, graph, learn))):  # fmt: skip
        batch = way.sample(np.random.default_rng(0))
        assert not (batch["starts"] % 3).any()
        assert not (batch["goals"] % 3).any()


def test_the_replay_holds_the_latest_plans(world):
    way = AmortizedSearch(AmortizedSearchConfig(**{**SMALL, "capacity": 10}), problem(*world))
    for first in (0, 4, 8, 12):
        vertices = np.arange(first, first + 4)
        way._keep(np.stack([vertices] * 3, 1), vertices.astype(np.float32))
    assert sorted(way._lengths.tolist()) == list(range(6, 16))
    np.testing.assert_array_equal(way._vertices[:, 0], way._lengths)
    way._keep(np.zeros((25, 3), np.int64), np.arange(100, 125, dtype=np.float32))
    assert sorted(way._lengths.tolist()) == list(range(115, 125))


# Algorithm 2


def slow_moves(graph: Graph, vertex: int, k: int) -> dict[int, tuple[float, dict[int, float]]]:
    """Cheapest cost over at most k edges to each other vertex, and by number of edges, by trying every way."""
    cost = [{vertex: 0.0}]
    for _ in range(k):
        reached: dict[int, float] = {}
        for at, so_far in cost[-1].items():
            for end, weight in zip(*(x.tolist() for x in graph.neighbors(at)), strict=True):
                reached[end] = min(reached.get(end, np.inf), so_far + weight)
        cost.append(reached)
    ends = {end for layer in cost for end in layer} - {vertex}
    return {end: (min(layer.get(end, np.inf) for layer in cost),
                  {edges: layer[end] for edges, layer in enumerate(cost) if end in layer}) for end in ends}  # fmt: skip


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_moves_are_the_cheapest_ways_over_at_most_k_edges(seed, k):
    graph = random_graph(np.random.default_rng(seed), vertices=80, edges=200)  # more than one chunk of centres
    moves, hops = moves_within(graph, k)
    assert moves.num_vertices == 80
    for vertex in range(80):
        ends, costs = moves.neighbors(vertex)
        expected = slow_moves(graph, vertex, k)
        assert ends.tolist() == sorted(expected)
        spans = hops[moves.indptr[vertex] : moves.indptr[vertex + 1]]
        for end, cost, span in zip(ends.tolist(), costs.tolist(), spans.tolist(), strict=True):
            cheapest, by_edges = expected[end]
            assert cost == pytest.approx(cheapest, rel=1e-5)
            assert by_edges[span] == pytest.approx(cheapest, rel=1e-5)


def slow_walk(graph, start, goal, guess, k, h, add_path_cost) -> tuple[int, float]:
    """Lines 4 to 10 of Algorithm 2 for one pair."""
    at, length, edges = start, 0.0, 0
    while at != goal and edges < h:
        around = slow_moves(graph, at, k)
        if not around:
            break
        end = min(sorted(around), key=lambda v: guess[v, goal] + around[v][0] * add_path_cost)
        cost, by_edges = around[end]
        length += cost
        edges += next(count for count, value in by_edges.items() if value == pytest.approx(cost, rel=1e-6))
        at = end
    return at, length


@pytest.mark.parametrize("add_path_cost", [False, True])
@pytest.mark.parametrize(("k", "h"), [(1, 1), (1, 6), (2, 5), (3, 7)])
def test_walks_are_those_of_algorithm_2(k, h, add_path_cost):
    rng = np.random.default_rng(k)
    graph = random_graph(rng)
    guess = rng.uniform(0, 3, (14, 14)).astype(np.float32)
    np.fill_diagonal(guess, 0)
    starts, goals = (x.ravel() for x in np.meshgrid(np.arange(14), np.arange(14)))
    config = ValueIterationConfig(lookahead=k, step_limit=h, add_path_cost=add_path_cost)
    ends, lengths = walk(*moves_within(graph, k), starts, goals, lambda v, g: guess[v, g], config, rng)
    expected = [slow_walk(graph, s, g, guess, k, h, add_path_cost) for s, g in zip(starts, goals, strict=True)]
    np.testing.assert_array_equal(ends, [end for end, _ in expected])
    np.testing.assert_allclose(lengths, [length for _, length in expected], rtol=1e-5, atol=1e-6)
    assert 0 < (ends == goals).mean() < 1


def test_random_moves_go_everywhere_and_only_where_asked():
    star = Graph.from_edges(9, [(0, v, 1.0) for v in range(1, 9)])
    starts, goals = np.zeros(4000, np.int64), np.full(4000, 8)
    guess = np.arange(9, 0, -1)  # the goal is liked best

    def ends(epsilon: float, seed: int = 0) -> np.ndarray:
        config = ValueIterationConfig(lookahead=1, step_limit=1, epsilon=epsilon)
        moves = moves_within(star, 1)
        return walk(*moves, starts, goals, lambda v, g: guess[v], config, np.random.default_rng(seed))[0]

    assert (ends(0.0) == 8).all()
    counts = np.bincount(ends(0.4), minlength=9)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:8], 0.4 * 4000 / 8, rtol=0.3)
    assert counts[8] == pytest.approx(4000 * (0.6 + 0.4 / 8), rel=0.05)
    assert not np.array_equal(ends(0.4, 1), ends(0.4, 2))


def test_the_target_network_speaks_only_for_walks_that_did_not_arrive(world):
    """Eq. 7; and the value of a goal at itself is 0, whatever the target network says."""
    frames, graph = world
    way = ValueIteration(ValueIterationConfig(**SMALL), problem(frames, graph))
    way.target = way.target + 100 * torch.arange(len(frames))[:, None]  # so that D_target(v, g) = 200 |v - g|, about
    starts, goals, ends = np.array([0, 0, 5]), np.array([3, 3, 5]), np.array([3, 4, 5])
    found = way.targets(starts, goals, ends, np.array([7.0, 2.0, 0.0], np.float32))
    far = float((way.target[4] - way.target[3]).norm())
    assert far > 150
    np.testing.assert_allclose(found, [7.0, 2.0 + far, 0.0], rtol=1e-6)


def test_the_target_network_is_updated_periodically_and_the_walking_one_in_between(world):
    frames, graph = world
    way = ValueIteration(ValueIterationConfig(**SMALL, refresh=2, target_period=6), problem(frames, graph))
    optimizer = torch.optim.SGD(way.network.parameters(), lr=0.5)
    held: dict[int, np.ndarray] = {}
    for step in range(9):
        held[step] = embed_in_chunks(way.network, frames, CPU)  # phi as it is before this step
        batch = way.sample(np.random.default_rng(step))
        seen = torch.as_tensor(frames[way.rows(batch)])
        loss = way.loss({**{key: torch.as_tensor(each) for key, each in batch.items()}, "frames": seen})
        np.testing.assert_array_equal(way.latents, held[step - step % 2])
        np.testing.assert_array_equal(way.target, held[step - step % 6])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert not np.allclose(held[0], held[6])


# Learning

BLOCKS = {"steps": 150, "batch_sources": 32, "batch_frames": 64, "sources": 64}
PAIRS = {**SMALL, "steps": 150, "replan": 15, "refresh": 40}
WALKS = {**PAIRS, "steps": 250, "replan": 5, "refresh": 7, "step_limit": 6, "target_period": 11}
CONFIGS = {
    "landmark regression": {"algorithm": LandmarkRegressionConfig(**BLOCKS)},
    "landmark regression, printed loss": {"algorithm": LandmarkRegressionConfig(**BLOCKS), "loss": "absolute"},
    **{
        f"amortized search, {search}": {"algorithm": AmortizedSearchConfig(**PAIRS, search=search)}
        for search in ("dijkstra", "a_star", "greedy")
    },
    **{f"value iteration, k = {k}": {"algorithm": ValueIterationConfig(**WALKS, lookahead=k)} for k in (1, 2)},
}
CONFIGS = {name: GlobalMetricConfig(**options, hidden=32) for name, options in CONFIGS.items()}


def fit(config: GlobalMetricConfig, world, workdir=None) -> tuple[GlobalMetric, dict[str, float]]:
    frames, graph = world
    held_out = np.arange(len(frames)) % 10 == 0
    training = Training(0, Workdir(workdir), CPU, progress=False, checkpoint_seconds=0)
    return GlobalMetric.fit(config, frames, held_out, graph, training)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_way_learns_the_distances_of_the_plane(name, world):
    metric, figures = fit(CONFIGS[name], world)
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.5, 4.5, (2, 300, 2)).astype(np.float32)
    true = np.linalg.norm(a - b, axis=1)
    found = apart(metric, a, b)
    assert np.corrcoef(found, true)[0, 1] > 0.95
    assert np.mean(found) == pytest.approx(np.mean(true), rel=0.25)
    assert figures["correlation"] > 0.95


@pytest.mark.parametrize("head", [LpHead(p=1.5), SquaredL2Head(), IQEHead()], ids=lambda head: head.kind)
def test_every_head_learns_the_distances_of_the_plane(head, world):
    config = replace(CONFIGS["landmark regression"], head=head)
    metric, figures = fit(config, world)
    assert metric.head == head
    assert figures["correlation"] > 0.95
    assert figures["relative_error"] < 0.2


@pytest.mark.parametrize("name", ["landmark regression", "amortized search, a_star", "value iteration, k = 2"])
def test_a_training_cut_short_resumes_to_the_same_weights_and_figures(name, world, tmp_path, monkeypatch):
    """Refreshes and target updates fall between checkpoints, so what they left has to be in there."""
    expected, figures = fit(CONFIGS[name], world, tmp_path / "whole")
    keep = Workdir.save_checkpoint
    for cut in (50, 100):

        def stop(self, stage, step, *rest, cut=cut):
            keep(self, stage, step, *rest)
            if step == cut:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Workdir, "save_checkpoint", stop)
            with pytest.raises(KeyboardInterrupt):
                fit(CONFIGS[name], world, tmp_path / f"cut-{cut}")
        found, again = fit(CONFIGS[name], world, tmp_path / f"cut-{cut}")
        assert again == figures
        for key, value in expected.network.state_dict().items():
            assert torch.equal(found.network.state_dict()[key], value), key


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "value_iterations"}, "Did you mean 'value_iteration'"),
        ({"loss": "relativ"}, "Did you mean 'relative'"),
        ({"algorithm": "amortized_search", "algorithm.search": "astar"}, "Did you mean 'a_star'"),
        ({"algorithm": "amortized_search", "algorithm.refresh": 0}, "refresh is 0"),
        ({"algorithm": "amortized_search", "algorithm.plans": 0}, "plans is 0, need at least 1"),
        ({"algorithm": "value_iteration", "algorithm.lookahead": 0}, "lookahead is 0"),
        ({"algorithm": "value_iteration", "algorithm.epsilon": 2.0}, "epsilon is 2"),
        ({"head": "lp", "head.p": 0.5}, "p is 0.5"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(options, message):
    with pytest.raises(Plan2vecError, match=message):
        reduce(lambda config, option: with_option(config, *option), options.items(), GlobalMetricConfig())


def test_config_errors_are_value_errors():
    assert issubclass(ConfigError, ValueError)
