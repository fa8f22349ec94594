"""The stacked-pair local metric of App. G: its networks as printed, its loss (Eq. 5), what it tells apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import agents.metrics.pair
from agents.errors import CheckpointError
from agents.metrics.pair import PairMetric, PairMetricConfig, StackedPair
from agents.training.loop import Training
from agents.training.workdir import Workdir
from plan2vec_envs.errors import UnknownNameError

from ..worlds import plane, squares

CPU = torch.device("cpu")


def training(seed: int = 0) -> Training:
    return Training(seed, Workdir(None), CPU, progress=False)


@pytest.fixture(scope="module")
def fitted():
    world = squares(60)
    learn, held_out = world.split(0, 6)
    config = PairMetricConfig(steps=70, batch_size=24)
    return *PairMetric.fit(config, learn, held_out, training()), held_out


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        # Convolutions (inputs * outputs * 16 + outputs) with two numbers a channel of batch norm, then linear layers.
        (
            "maze",
            (2 * 32 * 16 + 3 * 32)
            + (32 * 64 * 16 + 3 * 64)
            + (64 * 64 * 16 + 3 * 64)
            + (64 * 32 * 16 + 3 * 32)
            + (128 * 128 + 128)
            + (128 * 100 + 100)
            + 101,
        ),
        (
            "rope_streetlearn",
            (2 * 128 * 16 + 3 * 128) + 5 * (128 * 128 * 16 + 3 * 128) + (512 * 128 + 128) + (128 * 100 + 100) + 101,
        ),
    ],
)
def test_the_networks_have_the_printed_sizes(name, weights):
    network = StackedPair(name, (1, 64, 64))
    assert sum(p.numel() for p in network.parameters()) == weights
    x = torch.zeros(3, 1, 64, 64, dtype=torch.uint8)
    assert network(x, x).shape == (3,)


def test_identical_neighbouring_and_far_frames_are_told_apart(fitted):
    _, figures, _ = fitted
    assert figures["identical"] < 0.5 < figures["neighbour"] < 1.5 < figures["far"]
    assert figures["accuracy"] > 0.85


def test_the_accuracy_is_that_of_the_validation_pairs(fitted):
    metric, figures, held_out = fitted
    pairs = held_out.sample_pairs(4 * held_out.num_transitions, rng=training().rng("pair-validation", 0))
    found = metric.distance(held_out.observations[pairs.left], held_out.observations[pairs.right])
    right = [(d > 1.5) == (label == 2) for d, label in zip(found, pairs.target, strict=True)]
    assert figures["accuracy"] == pytest.approx(sum(right) / len(right))


def test_a_distance_does_not_depend_on_what_else_is_in_the_batch(fitted):
    """It would with batch norm in training mode, as the released code evaluates."""
    metric, _, held_out = fitted
    xs, ys = held_out.observations[:40], held_out.observations[7:47]
    alone = [metric.distance(xs[i : i + 1], ys[i : i + 1])[0] for i in range(40)]
    np.testing.assert_allclose(metric.distance(xs, ys), alone, atol=1e-4)


def test_the_order_of_a_pair_matters(fitted):
    metric, _, held_out = fitted
    xs, ys = held_out.observations[:40], held_out.observations[20:60]
    forth, back = metric.distance(xs, ys), metric.distance(ys, xs)
    assert (np.abs(forth - back) > 1e-3).mean() > 0.5
    assert min(forth.min(), back.min()) >= 0


def test_the_loss_is_smooth_l1_to_the_nominal_distances_at_one_to_one_to_two(monkeypatch):
    kept = {}

    def capture(stage, network, sample, loss, config, training, **options):
        kept.update(network=network.eval(), sample=sample, loss=loss, **options)

    monkeypatch.setattr(agents.metrics.pair, "train", capture)
    world = plane(side=50)
    PairMetric.fit(PairMetricConfig(batch_size=40), world, world, training())
    batch = kept["sample"](np.random.default_rng(1))
    assert np.bincount(batch["target"].astype(int)).tolist() == [10, 10, 20]
    with torch.inference_mode():
        found = kept["network"](*(torch.tensor(world.observations[batch[side]]) for side in ("left", "right"))).numpy()
        gap = np.abs(found - batch["target"])
        expected = np.where(gap < 1, gap**2 / 2, gap - 0.5).mean()
        tensors = {"frames": kept["frames"][kept["rows"](batch)], "target": torch.as_tensor(batch["target"])}
        assert float(kept["loss"](tensors)) == pytest.approx(expected, rel=1e-5)


def test_vectors_are_told_apart_too():
    world = plane(episodes=150, side=20)
    learn, held_out = world.split(0, 5)
    metric, figures = PairMetric.fit(PairMetricConfig(steps=300), learn, held_out, training())
    assert figures["accuracy"] > 0.93
    assert metric.distance(world.observations[:9], world.observations[9:18]).dtype == np.float32


def test_a_metric_made_from_its_arrays_measures_the_same(fitted):
    metric, _, held_out = fitted
    again = PairMetric.restore(metric.config, held_out.observation_shape, CPU, metric.arrays())
    xs, ys = held_out.observations[:20], held_out.observations[20:40]
    np.testing.assert_array_equal(again.distance(xs, ys), metric.distance(xs, ys))
    with pytest.raises(CheckpointError, match="do not fit"):
        PairMetric.restore(PairMetricConfig(), (3,), CPU, metric.arrays())


def test_the_same_seed_gives_the_same_metric():
    world = plane()
    config = PairMetricConfig(steps=5)
    first, second, other = (PairMetric.fit(config, world, world, training(seed))[0].arrays() for seed in (0, 0, 1))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert not all(np.array_equal(first[key], other[key]) for key in first)


def test_an_unknown_network_is_answered_with_the_closest_name():
    with pytest.raises(UnknownNameError, match="rope_streetlearn"):
        StackedPair("rope_streetlern", (1, 64, 64))
