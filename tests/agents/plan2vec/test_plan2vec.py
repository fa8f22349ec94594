"""The method end to end on a plane whose true distances are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import Plan2Vec, load_agent
from agents.errors import GraphError, NoPathError, NotFittedError
from agents.graphs.building import GraphConfig
from agents.graphs.graph import Graph
from agents.metrics.local import LocalMetric
from agents.metrics.tables.anchored import AnchoredConfig
from data_collection import Dataset

from ..worlds import MOVES, plane, quick_config


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return plane(episodes=300, steps=8, side=10)


@pytest.fixture(scope="module")
def agent(dataset) -> Plan2Vec:
    config = quick_config(500)
    config = replace(config, graph=GraphConfig(max_vertices=2700))
    return Plan2Vec(config).fit(dataset, progress=False)


def test_the_local_metric_calls_a_unit_move_one_step(agent):
    points = np.random.default_rng(7).uniform(1, 9, (200, 2)).astype(np.float32)
    moved = points + MOVES[np.arange(200) % 4]
    distance = agent.local_metric.distance(points, moved)
    assert np.abs(distance - 1).mean() < 0.1
    assert (agent.local_metric.distance(points, points) < 1e-5).all()


def test_the_local_metric_measures_all_pairs_of_latents_as_it_measures_each_pair_of_frames(agent, dataset):
    local, xs, ys = agent.local_metric, dataset.observations[:4], dataset.observations[10:13]
    singly = [[local.distance(x[None], y[None])[0] for y in ys] for x in xs]
    np.testing.assert_allclose(local.between(local.embed(xs)[:, None], local.embed(ys)), singly, atol=1e-5)


def test_the_local_distance_is_the_root_mean_square_of_its_members(agent, dataset):
    xs, ys = (torch.as_tensor(np.array(dataset.observations[part])) for part in (slice(0, 9), slice(9, 18)))
    with torch.inference_mode():
        members = [(member(xs) - member(ys)).norm(dim=1) for member in agent.local_metric.network.members]
    expected = torch.stack(members).square().mean(0).sqrt().numpy()
    assert len(members) == 2
    assert not torch.allclose(members[0], members[1], rtol=1e-3)
    np.testing.assert_allclose(agent.local_metric.distance(xs.numpy(), ys.numpy()), expected, rtol=1e-5)


def test_the_global_metric_orders_pairs_as_the_plane_does(agent):
    rng = np.random.default_rng(8)
    a, b = rng.uniform(0.5, 9.5, (2, 400, 2)).astype(np.float32)
    assert np.corrcoef(agent.distance(a, b), np.linalg.norm(a - b, axis=1))[0, 1] > 0.97


def test_an_anchored_agent_measures_and_acts_like_one_with_a_network(agent, dataset, tmp_path):
    config = replace(agent.config, global_metric=AnchoredConfig())
    anchored = Plan2Vec(config).sharing(agent).fit(dataset, progress=False)
    rng = np.random.default_rng(8)
    a, b = rng.uniform(0.5, 9.5, (2, 400, 2)).astype(np.float32)
    assert np.corrcoef(anchored.distance(a, b), np.linalg.norm(a - b, axis=1))[0, 1] > 0.95
    frames = dataset.observations[anchored.vertex_rows[:50]]
    np.testing.assert_allclose(anchored.embed(frames), anchored.vertex_embeddings[:50], atol=1.0)
    anchored.save(tmp_path / "agent")
    other = load_agent(tmp_path / "agent")
    assert np.array_equal(other.embed(a), anchored.embed(a))
    assert np.array_equal(other.act(a, b), anchored.act(a, b))


def test_acting_reaches_the_goal_by_nearly_the_fewest_moves(agent):
    """|dx| + |dy| unit moves are needed; success is within half a move an axis."""
    rng = np.random.default_rng(9)
    position, goal = rng.uniform(0.5, 9.5, (2, 64, 2)).astype(np.float32)
    memory = agent.new_memory(64)
    reached = np.zeros(64, bool)
    for _ in range(24):
        reached |= (np.abs(position - goal) <= 0.75).all(1)
        target = position + MOVES[agent.act(position, goal, memory=memory)]
        position = np.where(((target >= 0) & (target <= 10)).all(1)[:, None], target, position)
    assert reached.mean() > 0.95


def test_acting_in_a_batch_equals_acting_one_by_one(agent, dataset):
    states, goals = dataset.observations[:10], dataset.observations[50:60]
    singly = [agent.act(state, goal) for state, goal in zip(states, goals, strict=True)]
    np.testing.assert_array_equal(agent.act(states, goals), singly)


def test_a_changed_goal_is_not_taken_for_the_last_one(agent, dataset):
    state = np.array(dataset.observations[0])
    goal = np.array(dataset.observations[80])
    first = agent.distance(state[None], goal[None])
    goal += 2
    assert agent.distance(state[None], goal[None]) != first


def test_a_plan_starts_and_ends_at_the_vertices_nearest_to_what_was_asked(agent, dataset):
    start, goal = dataset.observations[3], dataset.observations[700]
    plan = agent.plan(start, goal)
    places = dataset.observations[agent.vertex_rows[plan.vertices]]
    assert np.linalg.norm(places[0] - start) < 0.5
    assert np.linalg.norm(places[-1] - goal) < 0.5
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() < 1.5
    assert plan.cost >= 0.8 * np.linalg.norm(start - goal)


def test_more_dimensions_share_the_graph_and_do_not_act(agent, dataset):
    drawn = agent.with_latent_dim(2, dataset, progress=False)
    assert drawn.embed(dataset.observations[:3]).shape == (3, 2)
    np.testing.assert_array_equal(drawn.graph.weights, agent.graph.weights)
    assert drawn.fit_log[:2] == agent.fit_log[:2], "the local metric and the graph were learned again"
    with pytest.raises(NotFittedError, match="no forward model"):
        drawn.act(dataset.observations[:3], dataset.observations[3:6])


def test_a_graph_in_pieces_has_no_distances_to_learn():
    config = replace(quick_config(5), graph=GraphConfig(bridge=False, threshold=1e-3))
    with pytest.raises(GraphError, match="bridge=True"):
        Plan2Vec(config).fit(plane(episodes=5), progress=False)


def test_planning_between_pieces_says_what_was_reachable(agent, dataset, monkeypatch):
    pieces = replace(agent.frame_graph, graph=Graph.from_edges(agent.graph.num_vertices, [(0, 1, 1.0)]))
    monkeypatch.setattr(agent, "frame_graph", pieces)
    with pytest.raises(NoPathError, match="vertices are reachable"):
        agent.plan(dataset.observations[agent.vertex_rows[5]], dataset.observations[agent.vertex_rows[900]])


def test_the_threshold_is_calibrated_on_trajectories_not_learned_from(dataset, monkeypatch):
    seen: list[tuple[int, int]] = []
    fit = LocalMetric.fit.__func__

    def spy(cls, config, learn, held_out, training):
        seen.append((learn.num_episodes, held_out.num_episodes))
        shared = {row.tobytes() for row in learn.observations} & {row.tobytes() for row in held_out.observations}
        assert not shared
        return fit(cls, config, learn, held_out, training)

    monkeypatch.setattr(LocalMetric, "fit", classmethod(spy))
    Plan2Vec(quick_config(5)).fit(dataset, progress=False)
    assert seen == [(270, 30)]


def test_a_dataset_without_actions_gives_a_metric_and_plans_but_no_actions(dataset):
    silent = replace(dataset, actions=None, num_actions=None)
    agent = Plan2Vec(quick_config(5)).fit(silent, progress=False)
    assert agent.distance(silent.observations[:2], silent.observations[2:4]).shape == (2,)
    assert agent.plan(silent.observations[0], silent.observations[20]).cost >= 0
    with pytest.raises(NotFittedError, match="dataset with actions"):
        agent.act(silent.observations[0], silent.observations[1])
