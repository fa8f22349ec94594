"""The inverse model: it finds the action between two frames, whatever kind of action and observation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import agents.control.inverse_model
from agents.control.inverse_model import InverseModel, InverseModelConfig
from agents.errors import CheckpointError
from agents.training.loop import Training
from agents.training.workdir import Workdir

from ..worlds import plane, squares

CPU = torch.device("cpu")


def fit(world, steps: int = 200, seed: int = 0, **choices):
    learn, held_out = world.split(0, 5)
    config = InverseModelConfig(steps=steps, hidden=64, **choices)
    return InverseModel.fit(config, learn, held_out, Training(seed, Workdir(None), CPU, progress=False)), held_out


def costs(model: InverseModel, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model.costs(*(torch.as_tensor(model.embed(np.array(each), CPU)) for each in (xs, ys))).numpy()


@pytest.fixture(scope="module")
def pixels():
    return fit(squares(60), max_gap=1, batch_size=64)


def test_the_action_between_two_frames_is_found(pixels):
    (model, figures), held_out = pixels
    before, after = held_out.transitions.T
    frames = np.array(held_out.observations)
    found = costs(model, frames[before], frames[after]).argmin(1)
    assert figures["accuracy"] == pytest.approx((found == held_out.actions).mean())
    moved = (frames[before] != frames[after]).any((1, 2, 3))
    assert 0 < moved.mean() < 1
    assert figures["accuracy_moving"] == pytest.approx((found == held_out.actions)[moved].mean())
    assert figures["accuracy_moving"] > 0.9


def test_the_costs_of_discrete_actions_are_those_of_a_distribution(pixels):
    (model, _), held_out = pixels
    frames = np.array(held_out.observations)
    np.testing.assert_allclose(np.exp(-costs(model, frames[:20], frames[5:25])).sum(1), 1, rtol=1e-5)


def test_pairs_are_up_to_the_greatest_gap_apart_and_within_one_trajectory(monkeypatch):
    kept = {}
    monkeypatch.setattr(
        agents.control.inverse_model, "train", lambda stage, network, sample, *_, **__: kept.update(f=sample)
    )
    world = plane(episodes=30, steps=6)
    fit(world, max_gap=3, batch_size=4000)
    learn, _ = world.split(0, 5)
    batch = kept["f"](np.random.default_rng(0))
    before, after = batch["before"], batch["after"]
    np.testing.assert_array_equal(learn.transitions[batch["moves"], 0], before)
    np.testing.assert_array_equal(learn.episode_ids[before], learn.episode_ids[after])
    assert set(after - before) == {1, 2, 3}
    early = learn.episode_starts[learn.episode_ids[before]] + 3 >= before
    assert np.bincount((after - before)[early])[1:] / early.sum() == pytest.approx(1 / 3, abs=0.05)


def test_a_waypoint_two_steps_away_is_walked_towards():
    """On the plane the first action of a straight way is known in closed form."""
    (model, _), _ = fit(plane(episodes=400, side=30), steps=300, max_gap=2, batch_size=128)
    start = np.full((4, 2), 15, np.float32)
    moves = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)], np.float32)
    for steps in (1, 2):
        np.testing.assert_array_equal(costs(model, start, start + steps * moves).argmin(1), np.arange(4))


def test_continuous_actions_are_regressed():
    (model, figures), held_out = fit(
        plane(episodes=200, side=50, continuous=True), steps=300, max_gap=1, batch_size=128
    )
    assert figures["error"] < 0.15
    before, after = held_out.transitions.T
    points = held_out.observations
    chosen = model.candidates.numpy()[costs(model, points[before], points[after]).argmin(1)]
    nearest = np.linalg.norm(held_out.actions[:, None] - model.candidates.numpy(), axis=2).min(1)
    assert np.linalg.norm(chosen - held_out.actions, axis=1).mean() < nearest.mean() + 0.15


def test_a_model_made_from_its_arrays_gives_the_same_costs(pixels):
    (model, _), held_out = pixels
    again = InverseModel.restore(model.config, held_out.observation_shape, CPU, model.arrays())
    frames = np.array(held_out.observations)
    np.testing.assert_array_equal(costs(again, frames[:9], frames[9:18]), costs(model, frames[:9], frames[9:18]))
    with pytest.raises(CheckpointError, match="do not fit"):
        InverseModel.restore(InverseModelConfig(hidden=8), held_out.observation_shape, CPU, model.arrays())


def test_the_same_seed_gives_the_same_model():
    world = plane()
    first, second, other = (fit(world, steps=5, seed=seed)[0][0].arrays() for seed in (0, 0, 1))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert not np.array_equal(first["readout.0.weight"], other["readout.0.weight"])
