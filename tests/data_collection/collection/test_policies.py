from __future__ import annotations

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary

from data_collection import DatasetError
from data_collection.collection.collect import uniform_actions

MANY = 40_000


def test_discrete_actions_are_uniform(rng):
    counts = np.bincount(uniform_actions(Discrete(8), MANY, rng), minlength=8)
    expected = MANY / 8
    assert len(counts) == 8
    assert ((counts - expected) ** 2 / expected).sum() < 7 + 5 * np.sqrt(14)  # chi-square, five deviations


def test_continuous_actions_fill_the_box(rng):
    space = Box(np.array([-1, 0], np.float32), np.array([1, 3], np.float32))
    actions = uniform_actions(space, MANY, rng)
    assert (actions.shape, actions.dtype) == ((MANY, 2), np.float32)
    assert all(action in space for action in actions[:1000])
    np.testing.assert_allclose(actions.mean(0), [0, 1.5], atol=0.03)
    np.testing.assert_allclose(actions.std(0), np.array([2, 3]) / np.sqrt(12), rtol=0.02)


@pytest.mark.parametrize("space", [Discrete(8), Box(-1, 1, (2,))])
def test_the_generator_decides_and_matters(space):
    def draw(seed):
        return uniform_actions(space, 20, np.random.default_rng(seed))

    assert np.array_equal(draw(0), draw(0))
    assert not np.array_equal(draw(0), draw(1))


def test_discrete_actions_start_where_the_space_does(rng):
    assert set(uniform_actions(Discrete(2, start=5), 100, rng).tolist()) == {5, 6}


@pytest.mark.parametrize("space", [Box(-np.inf, np.inf, (2,)), Box(-1, 1, (2, 2)), MultiBinary(3)])
def test_a_space_without_a_uniform_distribution_is_refused(space, rng):
    with pytest.raises(DatasetError, match="cannot draw uniformly"):
        uniform_actions(space, 1, rng)
