from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_collection import Dataset, DatasetError


def numbered(num_episodes: int) -> Dataset:
    """Episode k consists of two observations, both the number k."""
    values = np.repeat(np.arange(num_episodes, dtype=np.float32), 2)[:, None]
    return Dataset(values, None, np.ones(num_episodes, np.int64))


def contents(data: Dataset) -> list[int]:
    return [int(episode.observations[0, 0]) for episode in data.episodes()]


@given(num_episodes=st.integers(2, 40), num_folds=st.integers(2, 10), seed=st.integers(0, 100))
def test_folds_hold_out_every_episode_once_and_are_even(num_episodes, num_folds, seed):
    num_folds = min(num_folds, num_episodes)
    data = numbered(num_episodes)
    held = []
    for fold in range(num_folds):
        train, held_out = data.split(fold, num_folds, seed)
        assert sorted(contents(train) + contents(held_out)) == list(range(num_episodes))
        held.append(contents(held_out))
    assert sorted(itertools.chain.from_iterable(held)) == list(range(num_episodes))
    assert max(map(len, held)) - min(map(len, held)) <= 1


def test_the_seed_of_a_split_decides_and_matters():
    held = [contents(numbered(50).split(0, seed=seed)[1]) for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


def test_an_episode_is_never_cut():
    data = Dataset(np.zeros((60, 1), np.float32), None, np.array([5, 3] * 6))
    train, held_out = data.split(1, num_folds=3)
    assert train.num_episodes + held_out.num_episodes == 12
    assert set(train.episode_lengths) <= {5, 3}


@given(num_episodes=st.integers(1, 60), data=st.data())
def test_smaller_subsets_are_contained_in_larger_ones(num_episodes, data):
    small = data.draw(st.integers(1, num_episodes))
    large = data.draw(st.integers(small, num_episodes))
    everything = numbered(num_episodes)
    few, many = contents(everything.subset(small)), contents(everything.subset(large))
    assert len(few) == small
    assert set(few) <= set(many)


def test_a_subset_is_not_simply_the_first_episodes():
    assert contents(numbered(100).subset(10)) != list(range(10))


@pytest.mark.parametrize("budget", [0, -1, 6])
def test_an_impossible_budget_is_refused(budget):
    with pytest.raises(DatasetError, match="need 1 to 5"):
        numbered(5).subset(budget)


@pytest.mark.parametrize(
    ("fold", "num_folds", "message"), [(0, 6, "num_folds=6"), (0, 1, "num_folds=1"), (3, 3, "fold=3")]
)
def test_impossible_folds_are_refused(fold, num_folds, message):
    with pytest.raises(DatasetError, match=message):
        numbered(5).split(fold, num_folds)
