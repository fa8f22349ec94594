"""QRL and the contrastive critic: baselines that learn far distances from recordings without a graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import agents.training.loop
from agents import get_agent
from agents.baselines.contrastive import ContrastiveConfig, futures, symmetric_info_nce
from agents.baselines.qrl import Lagrangian, QRLConfig
from agents.errors import ConfigError
from agents.metrics.heads import get_head
from agents.metrics.local import moving_transitions
from agents.networks import build_trunk
from agents.training.workdir import Workdir
from data_collection import Dataset, Episode

from ..worlds import plane, quick_config

SIDE = 8.0
GRAPH_FREE = {
    "qrl": QRLConfig(latent_dim=16, hidden=64, offset=25.0, softness=5.0, steps=600, batch_size=64),
    "contrastive": ContrastiveConfig(latent_dim=4, hidden=64, steps=300, batch_size=128),
}


def fitted(name: str, dataset: Dataset, seed: int = 0, workdir: Path | None = None, **choices):
    quick, agent = quick_config(20), get_agent(name)
    parts = {"local_metric": quick.local_metric, "forward_model": quick.forward_model}
    config = replace(agent.config_class(), **parts, **{name: replace(GRAPH_FREE[name], **choices)})
    return agent(config).fit(dataset, seed=seed, workdir=workdir, progress=False)


def one_way(places: int, episodes: int = 60, steps: int = 12) -> tuple[Dataset, np.ndarray]:
    """Walks round a ring of places in one direction alone, and the ring: (places, 2) points on a circle."""
    angles = np.arange(places) * (2 * np.pi / places)
    ring = np.stack([np.cos(angles), np.sin(angles)], -1).astype(np.float32)
    starts = np.random.default_rng(0).integers(places, size=(episodes, 1))
    walks = ring[(starts + np.arange(steps + 1)) % places]
    return Dataset.from_episodes([Episode(walk, np.zeros(steps, np.int64)) for walk in walks], num_actions=1), ring


@pytest.fixture(scope="module")
def world() -> Dataset:
    return plane(episodes=150, side=SIDE)


@pytest.fixture(scope="module")
def learners(world):
    return {name: fitted(name, world) for name in GRAPH_FREE}


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Points that were not recorded."""
    return tuple(np.random.default_rng(5).uniform(0, SIDE, (2, 500, 2)).astype(np.float32))


@pytest.mark.parametrize(("name", "least"), [("qrl", 0.98), ("contrastive", 0.9)])
def test_far_distances_grow_with_the_true_number_of_steps(name, least, learners, pairs):
    """Four unit moves: the truth is L1."""
    truth = np.abs(pairs[0] - pairs[1]).sum(1)
    assert np.corrcoef(learners[name].distance(*pairs), truth)[0, 1] > least


@pytest.mark.parametrize("name", GRAPH_FREE)
def test_another_seed_gives_another_distance_as_good_as_the_first(name, world, pairs, learners):
    first, other = learners[name].distance(*pairs), fitted(name, world, seed=1).distance(*pairs)
    assert not np.array_equal(first, other)
    assert np.corrcoef(first, other)[0, 1] > 0.9


@pytest.mark.parametrize("name", GRAPH_FREE)
def test_a_fit_that_was_stopped_resumes_to_the_same_weights(name, tmp_path, monkeypatch):
    """The multiplier and the temperature are learned too, outside of the network that is kept."""
    monkeypatch.setattr(agents.training.loop, "CHECKPOINT_SECONDS", 0.0)
    dataset, keep = plane(episodes=20), Workdir.save_checkpoint

    def stop(self, stage, step, *rest):
        keep(self, stage, step, *rest)
        if (stage, step) == ("embedding", 50):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Workdir, "save_checkpoint", stop)
        with pytest.raises(KeyboardInterrupt):
            fitted(name, dataset, workdir=tmp_path, steps=100)
    resumed, whole = fitted(name, dataset, workdir=tmp_path, steps=100), fitted(name, dataset, steps=100)
    assert resumed.fit_log[1].figures == whole.fit_log[1].figures
    for key, array in whole.metric.arrays().items():
        np.testing.assert_array_equal(resumed.metric.arrays()[key], array, err_msg=key)


def test_qrl_keeps_recorded_moves_at_one_step_and_counts_far_ways_in_steps(world, learners, pairs):
    moves = moving_transitions(world)
    before, after = (np.array(world.observations[moves[:, side]]) for side in (0, 1))
    for length in (learners["qrl"].distance(before, after), learners["qrl"].distance(after, before)):
        assert np.sqrt(np.square(np.maximum(length - 1, 0)).mean()) < 2 * learners["qrl"].config.qrl.epsilon
        assert length.max() < 1.6
    truth = np.abs(pairs[0] - pairs[1]).sum(1)
    ratio = learners["qrl"].distance(*pairs)[truth > 3] / truth[truth > 3]
    assert 0.8 < np.median(ratio) < 1.25


def test_qrl_never_gains_by_a_detour(learners):
    points = np.random.default_rng(0).uniform(-SIDE, 2 * SIDE, (40, 2)).astype(np.float32)  # unseen ones too
    latents = learners["qrl"].embed(points)
    every = learners["qrl"].between(latents[:, None], latents[None])
    assert (every[:, None, :] <= every[:, :, None] + every[None] + 1e-4 * every.max()).all()
    np.testing.assert_allclose(every.diagonal(), 0, atol=1e-6)


def test_qrl_learns_that_the_way_back_is_the_way_round():
    """Against the direction of travel the distance is the rest of the ring, which no symmetric metric can say."""
    dataset, ring = one_way(places=6)
    agent = fitted("qrl", dataset, offset=15.0, learning_rate=1e-2)
    on, back = agent.distance(ring, np.roll(ring, -1, 0)), agent.distance(ring, np.roll(ring, 1, 0))
    np.testing.assert_allclose(on, 1, atol=0.3)
    assert back.mean() > 2 * on.mean()  # 5 to 1 at best


def lagrangian(**choices) -> Lagrangian:
    torch.manual_seed(0)
    config = replace(QRLConfig(latent_dim=8, hidden=16, batch_size=32), **choices)
    return Lagrangian(config, build_trunk("coord_cnn", (2,), 8, 16), get_head("iqe"))


def test_the_loss_of_qrl_is_the_mean_push_from_all_chosen_goals():
    objective = lagrangian(goals=3)
    frames = torch.rand(2, 32, 2) * 20
    with torch.inference_mode():
        z, g = (objective.network(each) for each in frames)
        far = torch.stack([objective.head.distance(z[i], g[i - shift]) for shift in (1, 2, 3) for i in range(32)])
        expected = 10 * F.softplus((40 - far) / 10).mean()
        torch.testing.assert_close(objective(*(objective.network.prepare(each) for each in frames)), expected)


@pytest.mark.parametrize(("spread", "grows"), [(100.0, True), (1e-3, False)])
def test_the_multiplier_rises_while_moves_are_too_long_and_falls_while_they_are_not(spread, grows):
    objective = lagrangian()
    before, after = (objective.network.prepare(each) for each in torch.rand(2, 32, 2) * spread)
    objective(before, after).backward()
    rises = bool(objective.dual.grad < 0)  # it is what a gradient step subtracts
    assert rises == grows
    assert objective.multiplier > 0


def test_the_gradient_of_qrl_is_that_of_its_lagrangian_for_a_fixed_multiplier():
    objective = lagrangian(multiplier=7.0)
    before, after = (objective.network.prepare(each) for each in torch.rand(2, 32, 2) * 100)
    objective(before, after).backward()
    found = [weight.grad.clone() for weight in objective.network.parameters()]
    objective.zero_grad()
    z, g = (objective.network.encode(each) for each in (before, after))
    (objective.push(z, g) + 7 * F.relu(objective.head.distance(z, g) - 1).square().mean()).backward()
    for gradient, weight in zip(found, objective.network.parameters(), strict=True):
        torch.testing.assert_close(gradient, weight.grad, rtol=1e-3, atol=1e-5)


def test_a_recorded_move_is_one_step_of_the_contrastive_distance_on_average():
    dataset = plane(episodes=200, side=50)
    agent = fitted("contrastive", dataset, steps=60)
    moves = moving_transitions(dataset)
    lengths = agent.distance(*(np.array(dataset.observations[moves[:, side]]) for side in (0, 1)))
    assert lengths.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9])
def test_offsets_to_the_future_are_geometric_on_what_is_left_of_the_trajectory(discount, rng):
    left = 4
    drawn = futures(np.full(40_000, 10), np.full(40_000, 10 + left), discount, rng) - 10
    odds = np.array([discount ** (k - 1) for k in range(1, left + 1)])
    np.testing.assert_allclose(np.bincount(drawn, minlength=left + 1)[1:] / 40_000, odds / odds.sum(), atol=0.01)
    assert drawn.min() >= 1


def test_the_contrastive_loss_is_the_textbook_sum_over_rows_and_columns(rng):
    similarity = rng.normal(size=(6, 6))
    rows = np.log(np.exp(similarity).sum(1)) - similarity.diagonal()
    columns = np.log(np.exp(similarity).sum(0)) - similarity.diagonal()
    expected = (rows.mean() + columns.mean()) / 2
    assert float(symmetric_info_nce(torch.as_tensor(similarity))) == pytest.approx(expected)


def test_impossible_choices_are_refused():
    for message, choices in (
        ("epsilon is 0", {"epsilon": 0}),
        ("softness is -1", {"softness": -1}),
        ("goals is 128", {"goals": 128}),
    ):
        with pytest.raises(ConfigError, match=message):
            QRLConfig(**choices)
    for message, choices in (
        ("discount is 1", {"discount": 1}),
        ("temperature is 0", {"temperature": 0}),
        ("batch_size is 1", {"batch_size": 1}),
    ):
        with pytest.raises(ConfigError, match=message):
            ContrastiveConfig(**choices)
