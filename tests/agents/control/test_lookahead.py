"""Looking ahead where nobody went: a wall that no recorded walker ever touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import Plan2VecWaypoints
from agents.control.controls import ForwardControl
from agents.control.forward_model import ForwardModelConfig
from agents.control.lookahead import LookaheadConfig, RecordedMoves, consistency_bound, cost_to_go
from agents.errors import ConfigError
from agents.graphs.building import GraphConfig, Spread
from agents.plan2vec.presets import VECTORS
from agents.training.config_json import with_option
from evaluation.paper.protocols.awkward_worlds import WalledRoom

ROOM = WalledRoom()
CONFIG = replace(
    VECTORS,
    control=ForwardControl(ForwardModelConfig(steps=600, hidden=64)),
    graph=GraphConfig(max_vertices=400, vertices=Spread(), recorded_weight="local"),
)


@pytest.fixture(scope="module")
def walks():
    return ROOM.recorded(episodes=400)


@pytest.fixture(scope="module", params=["paths", "metric"])
def agents(request, walks):
    """One that believes its model, and one that asks whether anybody went there."""
    lookahead = (LookaheadConfig(distance_source=request.param, support=by) for by in (0.0, 30.0))
    configs = (with_option(CONFIG, "control.lookahead", each) for each in lookahead)
    return [Plan2VecWaypoints(config).fit(walks, progress=False) for config in configs]


def walk(agent, tasks=20, steps=60):
    """From one side of the wall to the other: the share that arrives, and the share of actions into the wall."""
    rng = np.random.default_rng(3)
    here = rng.uniform((3, 0.5), (4.5, 4), (tasks, 2)).astype(np.float32)
    goal = rng.uniform((5.5, 0.5), (7, 4), (tasks, 2)).astype(np.float32)
    memory, arrived, pressed = agent.new_memory(tasks), np.zeros(tasks, bool), []
    for _ in range(steps):
        onward = ROOM.step(here, agent.act(here, goal, memory=memory))
        pressed.append((onward == here).all(1) & ~arrived)
        here = onward
        arrived |= np.linalg.norm(here - goal, axis=1) < 0.8
    return arrived.mean(), np.mean(pressed)


def test_no_recorded_walker_was_ever_stopped_by_the_wall_and_no_edge_crosses_it(walks, agents):
    assert not ROOM.near_wall(walks.observations).any()
    before, after = walks.observations[walks.transitions.T]
    corner = (np.isin(before, (0, *ROOM.size))).all(1)
    assert ((before != after).any(1) | corner).all()
    places = agents[0].local_latents / agents[0].local_metric.scale
    ends = places[np.stack([agents[0].graph.starts, agents[0].graph.indices])]
    below = (ends[..., 1] < ROOM.top - 1).all(0)
    assert not ((ends[0, below, 0] - ROOM.wall) * (ends[1, below, 0] - ROOM.wall) < 0).any()


def test_whoever_believes_the_model_presses_into_the_wall_and_with_support_it_walks_round(agents):
    (naive, pressed), (supported, touched) = map(walk, agents)
    assert naive < 0.4
    assert pressed > 0.5
    assert supported > 0.9
    assert touched < 0.02


def test_a_loaded_agent_still_knows_where_somebody_went(agents, tmp_path, rng):
    here, goal = rng.uniform(0, ROOM.size, (2, 10, 2)).astype(np.float32)
    for number, agent in enumerate(agents):
        agent.save(tmp_path / str(number))
        loaded = Plan2VecWaypoints.load(tmp_path / str(number))
        np.testing.assert_array_equal(loaded.act(here, goal), agent.act(here, goal))
        assert (loaded.ahead.moves is None) == (number == 0)


def test_the_gap_is_the_larger_of_both_ends_to_the_nearest_recorded_move(rng):
    before, after, here = (rng.normal(size=(n, 2)).astype(np.float32) for n in (40, 40, 5))
    imagined = rng.normal(size=(5, 7, 2)).astype(np.float32)
    found = RecordedMoves(before, after, 1.0).gaps(torch.as_tensor(here), torch.as_tensor(imagined)).numpy()
    for b, k in np.ndindex(5, 7):
        starts = np.linalg.norm(before - here[b], axis=1)
        ends = np.linalg.norm(after - imagined[b, k], axis=1)
        assert found[b, k] == pytest.approx(np.maximum(starts, ends).min(), rel=1e-5)


def test_nineteen_in_twenty_moves_that_were_kept_apart_cost_nothing(rng):
    before = rng.uniform(0, 5, (4000, 2)).astype(np.float32)
    after = before + rng.uniform(-1, 1, (4000, 2)).astype(np.float32)
    held_out = np.arange(4000) >= 3000
    moves = RecordedMoves.gather(before, after, after, held_out, 5000, rng)
    assert len(moves.before) == 3000
    costs = moves.costs(10.0, torch.as_tensor(before[held_out]), torch.as_tensor(after[held_out])[:, None])
    assert (costs > 0).float().mean() == pytest.approx(0.05, abs=0.002)
    far = torch.as_tensor(after[held_out] + np.float32(3))[:, None]
    assert moves.costs(10.0, torch.as_tensor(before[held_out]), far).median() > 10


def test_which_moves_are_kept_is_drawn(rng):
    before, after = rng.normal(size=(2, 300, 2)).astype(np.float32)
    held_out = np.zeros(300, bool)
    draws = [
        RecordedMoves.gather(before, after, after, held_out, 50, np.random.default_rng(seed)) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(draws[0].before, draws[1].before)
    assert draws[0].usual == draws[1].usual != draws[2].usual


def test_being_at_a_vertex_saves_no_more_than_it_is_far():
    way, gaps = np.array([[9.0, 2.0, 12.0]]), np.array([[1.0, 1.5, 1.0]])
    np.testing.assert_array_equal(consistency_bound(way, np.array([10.0]), gaps), [[9.0, 8.5, 12.0]])


def test_a_goal_behind_a_wall_is_not_taken_for_near():
    imagined, vertices, goal = torch.zeros(1, 1, 2), torch.tensor([[[0.0, 0.5]]]), torch.tensor([[1.0, 0.0]])
    way = torch.tensor([[9.0]])
    assert cost_to_go(LookaheadConfig(), imagined, vertices, way, goal).item() == 2
    assert cost_to_go(LookaheadConfig(), imagined, vertices, way, goal, torch.tensor([6.0])).item() == 8


@pytest.mark.parametrize(("options", "message"), [({"support": -1}, "support is -1"), ({"moves": 1}, "moves is 1")])
def test_support_that_cannot_be_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        LookaheadConfig(**options)
