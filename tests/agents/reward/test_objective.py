"""D as the goal cost of planners in world models, by the protocol of stable-worldmodel: a dict in, (B, S) costs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents import Plan2Vec, Plan2VecWaypoints
from agents.baselines.sptm import SPTMAgent, SPTMConfig
from agents.control.inverse_model import InverseModelConfig
from agents.errors import ConfigError, MetricError, NotFittedError, ObservationError
from agents.reward import Plan2vecObjective

from ..walled import REACHED, moved, walks, walled_config
from ..worlds import plane, quick_config


@pytest.fixture(scope="module")
def walled():
    return Plan2VecWaypoints(walled_config()).fit(walks(), progress=False)


@pytest.fixture(scope="module")
def agent():
    return Plan2Vec(quick_config(150)).fit(plane(continuous=True), progress=False)


@pytest.fixture(scope="module")
def sptm():
    config = SPTMConfig(local_metric=quick_config().local_metric, inverse_model=InverseModelConfig(steps=2))
    return SPTMAgent(config).fit(plane(), progress=False)


@pytest.fixture
def info(rng):
    """3 environments, 4 candidates, 5 predicted steps; goals are recorded twice, the last counts."""
    predicted, goal = rng.uniform(0, 5, (3, 4, 5, 2)), rng.uniform(0, 5, (3, 2, 2))
    return {"predicted_emb": torch.tensor(predicted).float(), "goal_emb": torch.tensor(goal).float()}


def by_hand(agent, info):
    predicted, goal = (np.asarray(info[name]) for name in ("predicted_emb", "goal_emb"))
    return np.array([[agent.distance(end, goal[b, -1]) for end in predicted[b, :, -1]] for b in range(len(goal))])


def test_the_cost_is_the_distance_from_the_last_prediction_to_the_last_goal(agent, info):
    cost = Plan2vecObjective(agent)(info)
    assert (cost.shape, cost.dtype) == ((3, 4), torch.float32)
    np.testing.assert_allclose(cost.numpy(), by_hand(agent, info), rtol=1e-4)


def test_it_measures_by_any_agent(sptm, info):
    np.testing.assert_allclose(Plan2vecObjective(sptm)(info).numpy(), by_hand(sptm, info), rtol=1e-4)


@pytest.mark.parametrize("form", ["a goal", "goals of a candidate", "arrays", "its second argument", "inference"])
def test_all_forms_of_the_dict_cost_the_same(agent, info, form):
    objective, expected = Plan2vecObjective(agent), Plan2vecObjective(agent)(info)
    if form == "a goal":
        cost = objective(info | {"goal_emb": info["goal_emb"][:, -1]})
    elif form == "goals of a candidate":
        cost = objective(info | {"goal_emb": info["goal_emb"][:, None].expand(3, 4, 2, 2)})
    elif form == "arrays":
        arrays = {name: each.numpy() for name, each in info.items()}
        for each in arrays.values():
            each.setflags(write=False)
        cost = objective(arrays)
    elif form == "its second argument":
        cost = objective(info, torch.zeros(3, 4, 5, 2))
    else:
        with torch.inference_mode():
            cost = objective(info)
    torch.testing.assert_close(cost, expected)


def test_entries_are_named_and_decoded(agent, info):
    expected = Plan2vecObjective(agent)(info)
    objective = Plan2vecObjective(agent, predicted_key="pixels", goal_key="goal", decode=lambda each: each * 5)
    torch.testing.assert_close(
        objective({"pixels": info["predicted_emb"] / 5, "goal": info["goal_emb"] / 5}), expected, rtol=1e-4, atol=1e-4
    )


def test_images_are_judged_too(quick_agent, rng):
    frames = rng.integers(0, 255, (2, 3, 2, 1, 64, 64), dtype=np.uint8)
    info = {"predicted_emb": torch.as_tensor(frames), "goal_emb": torch.as_tensor(frames[:, 0])}
    cost = Plan2vecObjective(quick_agent)(info).numpy()
    np.testing.assert_allclose(cost, by_hand(quick_agent, info), rtol=1e-3, atol=1e-5)


def test_latents_of_the_agent_cost_the_same_and_pass_gradients(agent, info):
    phi = {name: torch.tensor(agent.embed(each.reshape(-1, 2).numpy())) for name, each in info.items()}
    latents = {name: each.reshape(*info[name].shape[:-1], -1) for name, each in phi.items()}
    latents["predicted_emb"].requires_grad_()
    cost = Plan2vecObjective(agent, latents=True)(latents)
    torch.testing.assert_close(cost.detach(), Plan2vecObjective(agent)(info), rtol=1e-3, atol=1e-3)
    cost.sum().backward()
    gradient = latents["predicted_emb"].grad
    assert (gradient[:, :, -1].norm(dim=-1) > 0).all()
    assert not gradient[:, :, :-1].any()


def plan(objective, here, goal, rng, samples=64, horizon=8, rounds=6, elite=8):
    """The cross-entropy method with a perfect model of the walled square: (B, 2), (B, 2) -> (B, 2) first moves.

    The horizon does not reach round the wall, so what lies beyond is the cost's to know.
    """
    mean, spread = np.zeros((len(here), 1, horizon, 2)), np.ones((len(here), 1, horizon, 2))
    for _ in range(rounds):
        actions = mean + spread * rng.normal(size=(len(here), samples, horizon, 2))
        places, path = np.repeat(here, samples, 0), []
        for step in range(horizon):
            places = moved(places, actions[:, :, step].reshape(-1, 2))
            path.append(places.reshape(len(here), samples, 2))
        info = {"predicted_emb": torch.as_tensor(np.stack(path, 2)), "goal_emb": torch.as_tensor(goal)[:, None]}
        best = objective(info).argsort(1)[:, :elite].numpy()
        chosen = np.take_along_axis(actions, best[:, :, None, None], 1)
        mean, spread = chosen.mean(1, keepdims=True), chosen.std(1, keepdims=True)
    return mean[:, 0, 0]


def share_arrived(objective):
    rng = np.random.default_rng(0)
    here, goal = rng.uniform(0.2, 2.5, (2, 4, 2)).astype(np.float32)
    goal[:, 0] += 5
    arrived = np.zeros(4, bool)
    for _ in range(60):
        here = moved(here, plan(objective, here, goal, rng))
        arrived |= np.linalg.norm(here - goal, axis=1) < REACHED
    return arrived.mean()


def squared_error(info):
    return (info["predicted_emb"][:, :, -1] - info["goal_emb"]).square().sum(-1)


def test_a_planner_goes_round_the_wall_by_it_and_not_by_the_squared_error(walled):
    assert share_arrived(squared_error) == 0
    assert share_arrived(Plan2vecObjective(walled)) == 1


def test_gradients_that_would_be_lost_are_refused(agent, info):
    info["predicted_emb"].requires_grad_()
    with pytest.raises(ConfigError, match="gradients are asked for"):
        Plan2vecObjective(agent)(info)
    with torch.no_grad():
        assert Plan2vecObjective(agent)(info).shape == (3, 4)


def test_what_is_missing_or_of_another_shape_is_named(agent, info):
    objective = Plan2vecObjective(agent)
    with pytest.raises(ObservationError, match="no 'goal_emb' among predicted_emb"):
        objective({"predicted_emb": info["predicted_emb"]})
    with pytest.raises(ObservationError, match=r"predictions are \(B, S, T"):
        objective(info | {"predicted_emb": info["predicted_emb"][:, 0]})
    with pytest.raises(ObservationError, match="of the same B"):
        objective(info | {"goal_emb": info["goal_emb"][:2]})
    with pytest.raises(ObservationError, match="was trained on"):
        objective({name: torch.cat([each, each], -1) for name, each in info.items()})


def test_a_cost_that_is_not_finite_is_refused(agent, info):
    phi = torch.full((3, 4, 5, 8), torch.nan)
    with pytest.raises(MetricError, match="NaN or infinite"):
        Plan2vecObjective(agent, latents=True)({"predicted_emb": phi, "goal_emb": phi[:, 0]})


def test_agents_that_cannot_judge_are_refused(sptm):
    with pytest.raises(ConfigError, match="Give a fitted agent"):
        Plan2vecObjective(object())
    with pytest.raises(NotFittedError, match="learned nothing yet"):
        Plan2vecObjective(Plan2Vec())
    with pytest.raises(ConfigError, match="'sptm' is no distance of latents"):
        Plan2vecObjective(sptm, latents=True)
