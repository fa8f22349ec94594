"""A control is chosen on held-out trajectories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents import Plan2VecWaypoints
from agents.control.controls import AutoControl, ChosenControl, ForwardControl, InverseControl, Ring
from agents.control.forward_model import ForwardModelConfig
from agents.control.selection import HeldOutMoves, Scores, SelectionConfig, action_gaps, choose, draw_probes
from agents.errors import ConfigError, NotFittedError
from agents.graphs.building import GraphConfig, Spread
from agents.plan2vec.presets import VECTORS
from data_collection import Dataset

from ..worlds import MOVES, plane

SIDE = 9.0


def config(bad=None):
    """In which one model learned for a single step of training."""
    steps = {"inverse": 300, "forward": 300} | ({bad: 1} if bad else {})
    inverse_model = replace(VECTORS.inverse.inverse_model, steps=steps["inverse"], hidden=32, max_gap=4)
    control = AutoControl(
        InverseControl(inverse_model, Ring(ring=3.0, distance_source="metric")),
        ForwardControl(ForwardModelConfig(steps=steps["forward"], hidden=32)),
        SelectionConfig(least=3, most=12),
    )
    graph = GraphConfig(max_vertices=300, vertices=Spread(), recorded_weight="local")
    return replace(VECTORS, control=control, graph=graph)


def fitted(bad, continuous, seed=0):
    walks = plane(episodes=150, side=SIDE, continuous=continuous)
    return Plan2VecWaypoints(config(bad)).fit(walks, seed=seed, progress=False)


@pytest.fixture(scope="module", params=[True, False], ids=["continuous", "discrete"])
def agents(request):
    return {bad: fitted(bad, request.param) for bad in ("inverse", "forward")}


def share_solved(agent):
    rng = np.random.default_rng(5)
    here, goal = rng.uniform(0, SIDE, (2, 40, 2)).astype(np.float32)
    memory, reached = agent.new_memory(40), np.zeros(40, bool)
    for _ in range(40):
        action = agent.act(here, goal, memory=memory, rng=rng)
        target = here + (MOVES[action] if agent.num_actions else action)
        here = np.where(((target >= 0) & (target <= SIDE)).all(1, keepdims=True), target, here)
        reached |= np.linalg.norm(here - goal, axis=1) < 0.8
    return reached.mean()


def test_the_control_whose_model_learned_nothing_is_not_chosen(agents):
    for bad, agent in agents.items():
        good = "forward" if bad == "inverse" else "inverse"
        assert agent.control == good
        log = agent.fit_log[-1]
        assert log.stage == "control"
        assert log.figures[f"{good}_gain"] > log.figures[f"{bad}_gain"] + 0.2
        assert log.figures["forward"] == float(good == "forward")
        assert log.figures["probes"] > 100


def test_what_was_chosen_walks_and_the_other_one_does_not(agents):
    for bad, agent in agents.items():
        assert share_solved(agent) > 0.8
        chosen, agent.chosen = agent.chosen, ChosenControl(bad)
        assert share_solved(agent) < 0.6
        agent.chosen = chosen


def test_the_choice_is_kept_with_the_agent(agents, tmp_path, rng):
    here, goal = rng.uniform(0, SIDE, (2, 10, 2)).astype(np.float32)
    for bad, agent in agents.items():
        agent.save(tmp_path / bad)
        loaded = Plan2VecWaypoints.load(tmp_path / bad)
        assert loaded.control == agent.control
        assert loaded.fit_log[-1].figures == agent.fit_log[-1].figures
        np.testing.assert_array_equal(loaded.act(here, goal), agent.act(here, goal))


def test_a_control_acts_alike_whether_it_was_chosen_or_asked_for(agents, rng):
    agent = agents["inverse"]
    both = config("inverse")
    asked = Plan2VecWaypoints(replace(both, control=both.control.forward))
    asked.fit(plane(episodes=150, side=SIDE, continuous=agent.num_actions is None), progress=False)
    here, goal = rng.uniform(0, SIDE, (2, 10, 2)).astype(np.float32)
    np.testing.assert_array_equal(asked.act(here, goal), agent.act(here, goal))


def test_the_same_seed_chooses_by_the_same_figures_and_another_by_others(agents):
    if agents["inverse"].num_actions is None:
        again, other = fitted("inverse", True), fitted("inverse", True, seed=1)
        assert again.fit_log[-1].figures == agents["inverse"].fit_log[-1].figures
        assert other.fit_log[-1].figures["forward_gain"] != again.fit_log[-1].figures["forward_gain"]


def test_without_actions_nothing_is_chosen():
    walks = plane(side=SIDE)
    walks = Dataset(walks.observations, None, walks.episode_lengths)
    agent = Plan2VecWaypoints(config()).fit(walks, progress=False)
    with pytest.raises(NotFittedError, match="has chosen no control"):
        agent.act(*walks.observations[:2])


def scores(errors, gains):
    return Scores(np.array(errors, float), np.array(gains, float))


def test_the_larger_gain_wins_whatever_the_error(rng):
    gains = rng.normal(size=100)
    found, figures = choose({"a": scores([0, 0], gains), "b": scores([1, 3], gains + 0.1)})
    assert found == "b"
    assert figures["b_error"] == 2
    assert figures["b_gain"] - figures["a_gain"] == pytest.approx(0.1)


def test_where_gains_do_not_differ_for_sure_the_smaller_error_wins(rng):
    noisy = rng.normal(size=(2, 100)) + np.array([[0.05], [0.0]])
    noisy -= noisy.mean(1, keepdims=True) * 0.9
    assert choose({"a": scores([1], noisy[0]), "b": scores([0], noisy[1])})[0] == "b"
    assert choose({"a": scores([0], noisy[0]), "b": scores([1], noisy[1])})[0] == "a"


def test_without_probes_the_smaller_error_wins():
    found, figures = choose({"a": scores([1], []), "b": scores([0], [])})
    assert found == "b"
    assert np.isnan(figures["a_gain"])


def test_probes_from_which_the_graph_knows_no_way_do_not_count():
    found, figures = choose({"a": scores([1], [2, 2, np.nan, 2]), "b": scores([0], [1, 1, 1, np.inf])})
    assert (found, figures["probes"]) == ("a", 2)


def test_probes_lie_as_far_apart_as_asked(rng):
    places = rng.uniform(0, 20, 300)
    rows = rng.permutation(300)[:200]
    probes = draw_probes(
        SelectionConfig(probes=60, goals=8, least=4, most=6), rows, lambda at, goal: abs(places[at] - places[goal]), rng
    )
    away = abs(places[probes.starts] - places[probes.goals])
    assert len(away) == 60
    assert ((away >= 4) & (away <= 6)).all()
    assert len(np.unique(probes.goals)) == 8
    assert np.isin(np.concatenate(probes), rows).all()
    assert not len(draw_probes(SelectionConfig(least=50, most=60), rows, lambda at, goal: places[at], rng).starts)


def test_the_move_that_is_followed_is_near_and_most_like_the_proposed_one(rng):
    before, here = rng.normal(size=(200, 2)), rng.normal(size=(10, 2))
    for actions, proposed in (
        (rng.normal(size=(200, 3)).astype(np.float32), rng.normal(size=(10, 3)).astype(np.float32)),
        (rng.integers(4, size=200), rng.integers(4, size=10)),
    ):
        moves = HeldOutMoves(before, actions, nearest=9)
        found = moves.like(here, proposed)
        for place, action, move in zip(here, proposed, found, strict=True):
            near = np.linalg.norm(before - place, axis=1).argsort()[:9]
            gaps = [action_gaps(action[None], actions[[m]], moves.scale)[0] for m in near]
            assert move == near[int(np.argmin(gaps))]


def test_actions_differ_by_standard_deviations_or_not_at_all():
    assert action_gaps(np.array([[1.0, 2.0]]), np.array([[3.0, 2.0]]), np.array([2.0, 1.0])) == pytest.approx(0.5**0.5)
    assert action_gaps(np.array([1, 2]), np.array([1, 3]), None).tolist() == [0, 1]


@pytest.mark.parametrize("options", [{"probes": 0}, {"goals": 0}, {"nearest": 0}, {"least": 9, "most": 3}])
def test_a_comparison_that_cannot_be_is_refused(options):
    with pytest.raises(ConfigError, match="need"):
        SelectionConfig(**options)
