"""What agents that are a distance share, where the agent contract cannot see it."""

from __future__ import annotations

import numpy as np

from agents import Plan2Vec

from .worlds import plane, quick_config


def test_an_agent_fitted_again_forgets_the_goals_it_embedded_before():
    """The latents of the last goals are kept between calls; those of another fit would be in another space."""
    dataset = plane(episodes=20)
    states, goals = np.array(dataset.observations[:9]), np.array(dataset.observations[50:59])
    agent = Plan2Vec(quick_config(10)).fit(dataset, progress=False)
    agent.distance(states, goals)
    agent.fit(dataset, seed=1, progress=False)
    fresh = Plan2Vec(quick_config(10)).fit(dataset, seed=1, progress=False)
    np.testing.assert_array_equal(agent.distance(states, goals), fresh.distance(states, goals))
