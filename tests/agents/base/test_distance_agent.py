"""What agents that are a distance share, where the agent contract cannot see it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents import Plan2Vec
from agents.metrics.local import LocalMetric

from ..worlds import plane, quick_config


def test_an_agent_fitted_again_forgets_the_goals_it_embedded_before():
    """The latents of the last goals are kept between calls; those of another fit would be in another space."""
    dataset = plane(episodes=20)
    states, goals = np.array(dataset.observations[:9]), np.array(dataset.observations[50:59])
    agent = Plan2Vec(quick_config(10)).fit(dataset, progress=False)
    agent.distance(states, goals)
    agent.fit(dataset, seed=1, progress=False)
    fresh = Plan2Vec(quick_config(10)).fit(dataset, seed=1, progress=False)
    np.testing.assert_array_equal(agent.distance(states, goals), fresh.distance(states, goals))


def test_sharing_changes_the_time_of_a_fit_and_nothing_else(tmp_path):
    dataset = plane(episodes=20)
    first = Plan2Vec(quick_config(10)).fit(dataset, progress=False)
    other = replace(quick_config(10), global_metric=replace(quick_config(10).global_metric, latent_dim=3))
    shared = Plan2Vec(other).sharing(first).fit(dataset, workdir=tmp_path, progress=False)
    alone = Plan2Vec(other).fit(dataset, progress=False)
    assert shared.fit_log[:2] == first.fit_log[:2], "local metric and graph were learned again"
    np.testing.assert_array_equal(shared.vertex_embeddings, alone.vertex_embeddings)
    np.testing.assert_array_equal(
        shared.local_metric.embed(dataset.observations), alone.local_metric.embed(dataset.observations)
    )
    resumed = Plan2Vec(other).fit(dataset, workdir=tmp_path, progress=False)
    np.testing.assert_array_equal(resumed.vertex_embeddings, alone.vertex_embeddings)


@pytest.mark.parametrize("difference", ["seed", "data", "config"])
def test_nothing_is_shared_that_would_be_learned_differently(difference, monkeypatch):
    dataset, config = plane(episodes=20), quick_config(10)
    first = Plan2Vec(config).fit(dataset, progress=False)
    seed = 1 if difference == "seed" else 0
    if difference == "data":
        dataset = plane(episodes=19)
    if difference == "config":
        config = replace(config, local_metric=replace(config.local_metric, latent_dim=5))
    fits: list[object] = []
    fit = LocalMetric.fit.__func__
    monkeypatch.setattr(LocalMetric, "fit", classmethod(lambda cls, *args: fits.append(args) or fit(cls, *args)))
    Plan2Vec(config).sharing(first).fit(dataset, seed=seed, progress=False)
    assert fits, "the local metric of other circumstances was taken over"
