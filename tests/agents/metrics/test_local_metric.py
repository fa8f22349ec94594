"""The three treatments of negatives, each against its equation written out, and their unit."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
import torch

from agents import Plan2Vec, load_agent
from agents.graphs.transitions import moving_transitions
from agents.metrics.local import LocalMetric, LocalMetricConfig
from agents.metrics.local_losses import NCE, Hinge, SmoothL1
from agents.training.config_json import with_option
from agents.training.loop import Training
from agents.training.workdir import Workdir
from data_collection.errors import Plan2vecError
from data_collection.splits import ValidationSplit

from ..worlds import plane, quick_config

COUNT = 5
LOSSES = Hinge(), SmoothL1(), NCE()


def huber(x: float) -> float:
    """Smooth L1 as the paper's framework defines it: quadratic within 1, linear beyond."""
    return 0.5 * x * x if abs(x) < 1 else abs(x) - 0.5


@pytest.fixture
def batch(rng):
    """Latents of five pairs, left ends first, of which two pairs are of one trajectory."""
    latents = 2 * rng.normal(size=(2 * COUNT, 3))
    trajectory = np.tile([0, 0, 1, 2, 3], 2)
    every = np.linalg.norm(latents[:, None] - latents[None], axis=2)
    near = np.array([every[i, i + COUNT] for i in range(COUNT)])
    other = trajectory[:, None] != trajectory[None]
    return near, every, other


def as_tensors(near, every, other, wanted=1.0):
    near = torch.as_tensor(near)
    return near, torch.full_like(near, wanted), torch.as_tensor(every), torch.as_tensor(other).double()


@pytest.mark.parametrize(
    ("loss", "far"), [(Hinge(), lambda d: huber(max(0.0, 2 - d))), (SmoothL1(), lambda d: huber(d - 2))]
)
def test_loss_is_equation_5_written_out(loss, far, batch):
    near, every, other = batch
    expected = np.mean([huber(d - 1) for d in near]) + np.mean([far(d) for d in every[other]])
    assert loss(*as_tensors(*batch)).item() == pytest.approx(expected, rel=1e-12)
    half = np.mean([huber(d - 0.5) for d in near]) + np.mean([far(d) for d in every[other]])
    assert loss(*as_tensors(*batch, wanted=0.5)).item() == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_nce_is_equation_4_written_out(temperature, batch):
    _, every, other = batch
    terms = []
    for x in range(2 * COUNT):
        positive = np.exp(-every[x, (x + COUNT) % (2 * COUNT)] / temperature)
        negatives = np.exp(-every[x, other[x]] / temperature).sum()
        terms.append(-np.log(positive / (positive + negatives)))
    assert NCE(temperature)(*as_tensors(*batch)).item() == pytest.approx(np.mean(terms), rel=1e-12)


def test_only_the_hinge_leaves_far_frames_alone(batch):
    near, every, other = batch
    farther = np.where(other & (every > 2), every + 10, every)
    before, after = ({loss.kind: loss(*as_tensors(near, d, other)).item() for loss in LOSSES}
                     for d in (every, farther))  # fmt: skip
    assert after["hinge"] == before["hinge"]
    assert after["smooth_l1"] > before["smooth_l1"] + 1
    assert after["nce"] < before["nce"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_without_negatives_has_a_finite_gradient(loss):
    near = torch.tensor([0.5, 2.0], requires_grad=True)
    loss(near, torch.ones(2), torch.ones(4, 4), torch.zeros(4, 4)).backward()
    assert torch.isfinite(near.grad).all()


def fitted(**options) -> tuple[LocalMetric, dict[str, float], object]:
    dataset = plane(episodes=120, steps=8, side=10)
    config = replace(quick_config(300).local_metric, **options)
    training = Training(0, Workdir(None), torch.device("cpu"), progress=False)
    learn, held_out = (dataset.take_episodes(episodes) for episodes in ValidationSplit.of(dataset, 0))
    return *LocalMetric.fit(config, learn, held_out, training), learn


def median_beyond_three_steps(metric: LocalMetric) -> float:
    a, b = np.random.default_rng(3).uniform(0, 10, (2, 300, 2)).astype(np.float32)
    far = np.linalg.norm(a - b, axis=1) > 3
    return float(np.median(metric.distance(a[far], b[far])))


@pytest.mark.parametrize("negatives", [Hinge(), NCE()])
def test_hinge_and_nce_call_a_recorded_move_one_step_and_far_frames_far(negatives):
    metric, figures, _ = fitted(negatives=negatives)
    assert figures["neighbour_mean"] == pytest.approx(1, abs=0.15)
    assert figures["accuracy"] > 0.85
    assert median_beyond_three_steps(metric) > 2


def test_eq_5_as_printed_holds_far_frames_at_two_at_the_price_of_the_neighbours():
    """No plane has all its far points at one distance; the hinge asks for no such thing."""
    metric, figures, _ = fitted(negatives=SmoothL1())
    assert median_beyond_three_steps(metric) == pytest.approx(2, abs=0.4)
    assert 0.2 < figures["neighbour_mean"] < 1


@pytest.mark.parametrize("trunk", ["identity", "pooled_mlp"])
def test_a_fitted_metric_embeds_without_switching_its_modules_each_time(trunk, monkeypatch):
    dataset = plane(episodes=12)
    learn, held_out = (dataset.take_episodes(episodes) for episodes in ValidationSplit.of(dataset, 0))
    training = Training(0, Workdir(None), torch.device("cpu"), progress=False)
    metric, _ = LocalMetric.fit(LocalMetricConfig(trunk=trunk, steps=2), learn, held_out, training)
    monkeypatch.setattr(type(metric.network), "train", lambda *_: pytest.fail("switched"))
    assert len(metric.embed(dataset.observations)) == len(dataset.observations)


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_nce_is_converted_to_steps_by_the_training_trajectories(temperature):
    metric, figures, learn = fitted(negatives=NCE(temperature))
    before, after = learn.observations[moving_transitions(learn).T]
    assert metric.distance(before, after).mean() == pytest.approx(1, rel=1e-4)
    assert metric.scale != pytest.approx(1, abs=0.05)
    assert figures["neighbour_mean"] != pytest.approx(1, abs=1e-6)  # those were held out


@pytest.mark.parametrize("negatives", [SmoothL1(), NCE()])
def test_the_unit_survives_saving_and_a_resumed_fit(negatives, tmp_path):
    config = quick_config(40)
    config = replace(config, local_metric=replace(config.local_metric, negatives=negatives))
    dataset = plane()
    agent = Plan2Vec(config).fit(dataset, workdir=tmp_path / "fit", progress=False)
    agent.save(tmp_path / "saved")
    again = Plan2Vec(config).fit(dataset, workdir=tmp_path / "fit", progress=False)
    frames = dataset.observations
    expected = agent.local_metric.embed(frames)
    for other in (load_agent(tmp_path / "saved"), again):
        np.testing.assert_array_equal(other.local_metric.embed(frames), expected)
        assert other.local_metric.scale == agent.local_metric.scale
    assert (agent.local_metric.scale == 1) == (negatives != NCE())


def test_frames_two_steps_apart_are_two_steps_apart_when_neighbours_reach_so_far():
    dataset = plane(episodes=120, steps=12)
    learn, held_out = (dataset.take_episodes(part) for part in (range(100), range(100, 120)))
    config = LocalMetricConfig(members=1, positive_window=2, steps=500)
    metric, figures = LocalMetric.fit(
        config, learn, held_out, Training(0, Workdir(None), torch.device("cpu"), progress=False)
    )
    pairs = held_out.pairs_within(2)
    frames = held_out.observations
    found = metric.distance(frames[pairs[:, 0]], frames[pairs[:, 1]])
    true = np.linalg.norm(frames[pairs[:, 0]] - frames[pairs[:, 1]], axis=1)
    assert np.corrcoef(found, true)[0, 1] > 0.7
    one, two = (pairs[:, 1] - pairs[:, 0] == n for n in (1, 2))
    # Two steps of a random walk are 2 ** .5 steps long: what is told to be 2 and what can be learned differ so much.
    assert found[two].mean() / found[one].mean() == pytest.approx(true[two].mean() / true[one].mean(), abs=0.2)
    assert 0.7 < found[one].mean() < 1.6
    assert figures["accuracy"] > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"negatives": "hing"}, "Did you mean 'hinge'"),
        ({"negatives": "nce", "negatives.temperature": 0.0}, "temperature is 0"),
        ({"positive_window": 0}, "positive_window is 0"),
    ],
)
def test_a_loss_that_cannot_be_is_refused(options, message):
    with pytest.raises(Plan2vecError, match=message):
        reduce(lambda config, option: with_option(config, *option), options.items(), LocalMetricConfig())
