"""What is particular to each baseline; the agent contract covers what all agents share."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

import agents.training.loop
from agents import Plan2Vec, get_agent
from agents.metrics.vae import DECODERS, VAE, BroadcastDecoder, VAEConfig
from agents.training.network_arrays import network_arrays
from agents.training.saving import load_arrays
from agents.training.workdir import Workdir
from data_collection import Dataset

from ..worlds import plane, quick_config, squares

BASELINES = ("random-network", "sptm-1-step", "vae")


def small(name: str, steps: int = 60, **choices):
    """An untrained agent that fits in a second, with the parts of ``quick_config`` where it has them."""
    quick, agent = quick_config(steps), get_agent(name)
    shared = {"local_metric": quick.local_metric, "forward_model": quick.forward_model}
    if name == "vae":
        shared["vae"] = VAEConfig(steps=steps, hidden=32)
    return agent(replace(agent.config_class(), **shared | choices))


@pytest.fixture(scope="module")
def frames() -> Dataset:
    return squares()


@pytest.fixture(scope="module")
def vae(frames, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vae")
    agent = small("vae", vae=VAEConfig(steps=300, hidden=64, learning_rate=5e-3))
    return agent.fit(frames, workdir=folder, progress=False), folder


@pytest.mark.parametrize("name", BASELINES)
def test_the_memory_of_a_baseline_is_keyed_by_the_local_metric_of_plan2vec(name):
    dataset = plane()
    baseline = small(name).fit(dataset, seed=3, progress=False)
    method = Plan2Vec(quick_config()).fit(dataset, seed=3, progress=False)
    expected = method.local_metric.arrays()
    for key, array in baseline.local_metric.arrays().items():
        np.testing.assert_array_equal(array, expected[key], err_msg=key)


@pytest.mark.parametrize("name", BASELINES)
def test_the_forward_model_of_a_baseline_is_as_wide_as_that_of_plan2vec(name):
    assert get_agent(name)().config.forward_model == Plan2Vec().config.forward_model
    assert get_agent(name)().config.memory == Plan2Vec().config.memory


@pytest.mark.parametrize("name", ["random-network", "vae"])
def test_a_recorded_move_is_one_step_long_on_average(name):
    dataset = plane(episodes=200, side=50)
    agent = small(name).fit(dataset, progress=False)
    before, after = (dataset.observations[dataset.transitions[:, side]] for side in (0, 1))
    moved = (before != after).any(1)
    assert agent.distance(before[moved], after[moved]).mean() == pytest.approx(1, abs=0.05)


def test_one_step_sptm_measures_by_its_local_metric(frames):
    agent = small("sptm-1-step").fit(frames, progress=False)
    xs, ys = np.array(frames.observations[:40]), np.array(frames.observations[60:100])
    np.testing.assert_allclose(agent.distance(xs, ys), agent.local_metric.distance(xs, ys), rtol=1e-5)
    np.testing.assert_array_equal(agent.embed(xs), agent.local_metric.embed(xs))


def test_the_random_network_never_trains(frames):
    """Its weights are those of the generator, whatever the data and however long the other parts train."""
    fits = [small("random-network", steps).fit(data, progress=False) for steps, data in ((5, frames), (60, squares(9)))]
    short, other = (network_arrays(agent.metric.network) for agent in fits)
    weights = [name for name in short if not name.startswith("standardise")]
    assert len(weights) > 4
    for name in weights:
        np.testing.assert_array_equal(short[name], other[name], err_msg=name)


def test_the_vae_reconstructs_better_than_the_mean_image(vae, frames):
    images = np.array(frames.observations[::7])
    mean = frames.observations.mean(0)
    found = vae[0].reconstruct(images)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    error = np.square(found.astype(float) - images).mean()
    assert error < 0.3 * np.square(mean - images).mean()
    np.testing.assert_array_equal(vae[0].reconstruct(images[0]), found[0])


def test_samples_are_what_the_decoder_draws_for_latents_of_the_prior(vae, frames):
    agent, rng = vae[0], np.random.default_rng(0)
    images = agent.sample(60, rng)
    assert (images.shape, images.dtype) == ((60, *frames.observation_shape), np.uint8)
    draws = np.random.default_rng(0).standard_normal((60, agent.config.vae.latent_dim), np.float32)
    with torch.inference_mode():
        drawn = agent.metric.network.decoder(torch.as_tensor(draws)).sigmoid().numpy() * 255
    np.testing.assert_allclose(images, drawn, atol=0.5 + 1e-3)


def test_the_broadcast_decoder_draws_each_patch_from_latent_and_place():
    torch.manual_seed(0)
    decoder = BroadcastDecoder((2, 20, 12), latent_dim=3, hidden=16)
    z = torch.randn(4, 3)
    with torch.inference_mode():
        drawn = decoder(z)
        assert drawn.shape == (4, 2, 20, 12)
        for row, column in ((0, 0), (1, 0), (2, 1)):
            place = torch.tensor([row - 1.0, 2.0 * column - 1])  # the grid is 3 x 2, from -1 to 1
            patch = decoder.patch(decoder.what(z) + decoder.where(place)).view(4, 2, 8, 8)
            expected = patch[..., : 20 - 8 * row, : 12 - 8 * column]
            found = drawn[..., 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("decoder", DECODERS)
def test_both_decoders_learn_to_draw(decoder, frames):
    config = VAEConfig(steps=150, latent_dim=4, hidden=32, decoder=decoder, learning_rate=1e-2)
    agent = small("vae", vae=config).fit(frames, progress=False)
    images = np.array(frames.observations[::7])
    error = np.square(agent.reconstruct(images).astype(float) - images).mean()
    assert error < 0.5 * np.square(frames.observations.mean(0) - images).mean()


def test_the_negative_elbo_falls_while_the_vae_trains(vae):
    with open(vae[1] / "metrics.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["stage"] == "embedding"]
    losses = [float(row["value"]) for row in rows if row["name"] == "loss"]
    closing = {row["name"]: float(row["value"]) for row in rows if row["step"] == "-1"}
    assert losses[-1] < 0.5 * losses[0]
    assert closing["negative_elbo"] == pytest.approx(closing["reconstruction"] + closing["divergence"], rel=1e-3)
    assert closing["negative_elbo"] < 0.6 * losses[0]


def test_a_larger_beta_leaves_less_information_in_the_latents(frames):
    fits = [
        small("vae", vae=VAEConfig(steps=100, hidden=32, beta=beta)).fit(frames, progress=False) for beta in (1, 50)
    ]
    weak, strong = (agent.fit_log[1].figures["divergence"] for agent in fits)
    assert strong < 0.5 * weak


def test_the_elbo_of_a_vae_is_that_of_the_textbook():
    """The divergence equals torch's own; the reconstruction is the Bernoulli log-likelihood of a binary image."""
    torch.manual_seed(0)
    network = VAE(VAEConfig(latent_dim=3, hidden=16), (1, 10, 14))
    x = torch.randint(0, 2, (5, 1, 10, 14), dtype=torch.uint8) * 255
    noise = torch.randn(5, 3)
    with torch.inference_mode():
        error, divergence = network.terms(network.prepare(x), x, noise)
        mean, log_variance = network.encoder(x).chunk(2, 1)
        q = torch.distributions.Normal(mean, (log_variance / 2).exp())
        prior = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
        p = torch.distributions.Bernoulli(logits=network.decoder(q.loc + q.scale * noise))
        likelihood = p.log_prob(x.float() / 255).flatten(1).sum(1)
    torch.testing.assert_close(divergence, torch.distributions.kl_divergence(q, prior).sum(1))
    torch.testing.assert_close(error, -likelihood)


def test_a_vae_on_vectors_gives_vectors_back():
    dataset = plane(episodes=200)
    agent = small("vae", vae=VAEConfig(steps=500, latent_dim=2, hidden=64, beta=0.1)).fit(dataset, progress=False)
    points = np.array(dataset.observations[::9])
    found = agent.reconstruct(points)
    assert (found.shape, found.dtype) == (points.shape, points.dtype)
    assert np.square(found - points).mean() < 0.3 * points.var(0).mean()


def test_a_vae_stopped_while_it_trains_resumes_to_the_same_weights(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(agents.training.loop, "CHECKPOINT_SECONDS", 0.0)
    config = VAEConfig(steps=150, hidden=16)
    keep = Workdir.save_checkpoint

    def stop(self, stage, step, *rest):
        keep(self, stage, step, *rest)
        if (stage, step) == ("embedding", 100):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Workdir, "save_checkpoint", stop)
        with pytest.raises(KeyboardInterrupt):
            small("vae", vae=config).fit(frames, workdir=tmp_path / "cut", progress=False)
    for folder in ("cut", "whole"):
        small("vae", vae=config).fit(frames, workdir=tmp_path / folder, progress=False)
    cut, whole = (load_arrays(tmp_path / run / "stages" / "embedding.safetensors") for run in ("cut", "whole"))
    assert cut.keys() == whole.keys()
    for key, array in whole.items():
        np.testing.assert_array_equal(cut[key], array, err_msg=key)
