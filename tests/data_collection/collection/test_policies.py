from __future__ import annotations

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary

from data_collection import DatasetError, UniformPolicy

LOOK = np.zeros((40_000, 1), np.float32)


def test_discrete_actions_are_uniform(rng):
    counts = np.bincount(UniformPolicy(Discrete(8)).act(LOOK, rng=rng), minlength=8)
    expected = len(LOOK) / 8
    assert len(counts) == 8
    assert ((counts - expected) ** 2 / expected).sum() < 7 + 5 * np.sqrt(14)  # chi-square, five deviations


def test_continuous_actions_fill_the_box(rng):
    space = Box(np.array([-1, 0], np.float32), np.array([1, 3], np.float32))
    actions = UniformPolicy(space).act(LOOK, rng=rng)
    assert (actions.shape, actions.dtype) == ((len(LOOK), 2), np.float32)
    assert all(action in space for action in actions[:1000])
    np.testing.assert_allclose(actions.mean(0), [0, 1.5], atol=0.03)
    np.testing.assert_allclose(actions.std(0), np.array([2, 3]) / np.sqrt(12), rtol=0.02)


@pytest.mark.parametrize("space", [Discrete(8), Box(-1, 1, (2,))])
def test_the_generator_decides_and_matters(space):
    def draw(seed):
        return UniformPolicy(space).act(LOOK[:20], rng=np.random.default_rng(seed))

    assert np.array_equal(draw(0), draw(0))
    assert not np.array_equal(draw(0), draw(1))


def test_discrete_actions_start_where_the_space_does(rng):
    assert set(UniformPolicy(Discrete(2, start=5)).act(LOOK[:100], rng=rng).tolist()) == {5, 6}


@pytest.mark.parametrize("space", [Box(-np.inf, np.inf, (2,)), Box(-1, 1, (2, 2)), MultiBinary(3)])
def test_a_space_without_a_uniform_distribution_is_refused(space):
    with pytest.raises(DatasetError, match="cannot draw uniformly"):
        UniformPolicy(space)
