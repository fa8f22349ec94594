from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_collection import Dataset, DatasetError


def line(lengths: list[int]) -> Dataset:
    """Observation k is the number k."""
    rows = sum(lengths) + len(lengths)
    return Dataset(np.arange(rows, dtype=np.float32)[:, None], None, np.array(lengths))


@given(
    lengths=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    n=st.integers(0, 200),
    seed=st.integers(0, 2**32),
)
def test_every_pair_is_what_its_target_says(lengths, n, seed):
    data = line(lengths)
    pairs = data.sample_pairs(n, rng=np.random.default_rng(seed))
    recorded = {tuple(edge) for edge in data.transitions.tolist()}
    assert len(pairs) == n
    for left, right, target in zip(pairs.left.tolist(), pairs.right.tolist(), pairs.target.tolist(), strict=True):
        if target == 0:
            assert left == right
        elif target == 1:
            assert (left, right) in recorded
        else:
            assert data.episode_ids[left] != data.episode_ids[right]


@pytest.mark.parametrize("reach", [1, 2, 9])
def test_neighbours_within_a_reach_are_all_rows_of_an_episode_so_few_steps_apart(reach, rng):
    data = line([1, 2, 6])
    ids = data.episode_ids.tolist()
    expected = {(a, b) for a in range(12) for b in range(a + 1, 12) if ids[a] == ids[b] and b - a <= reach}
    assert {tuple(pair) for pair in data.pairs_within(reach).tolist()} == expected
    assert len(data.pairs_within(reach)) == len(expected)
    pairs = data.sample_pairs(500, ratio=(0, 1, 0), reach=reach, rng=rng)
    assert set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == expected


def test_a_reach_of_nothing_is_refused():
    with pytest.raises(DatasetError, match="reach=0"):
        line([3]).pairs_within(0)


@pytest.mark.parametrize(
    ("n", "ratio", "counts"),
    [
        (400, (1, 1, 2), [100, 100, 200]),
        (10, (1, 1, 2), [3, 2, 5]),  # 2.5, 2.5, 5: the remainder goes to the first of the equal ones
        (7, (0, 0, 1), [0, 0, 7]),
        (7, (1, 0, 0), [7, 0, 0]),
        (5, (0.1, 0.1, 0.3), [1, 1, 3]),
        (0, (1, 1, 2), [0, 0, 0]),
    ],
)
def test_counts_follow_the_ratio_exactly(n, ratio, counts, rng):
    pairs = line([3, 3]).sample_pairs(n, ratio=ratio, rng=rng)
    assert np.bincount(pairs.target, minlength=3).tolist() == counts


def test_far_pairs_are_uniform_over_all_pairs_of_different_episodes(rng):
    """Counted against the enumeration of all of them; episodes of unequal length would reveal a bias."""
    data = line([1, 2, 6])
    ids = data.episode_ids
    possible = ids[:, None] != ids[None, :]
    n = 200_000
    pairs = data.sample_pairs(n, ratio=(0, 0, 1), rng=rng)
    counts = np.zeros(possible.shape)
    np.add.at(counts, (pairs.left, pairs.right), 1)
    expected = n / possible.sum()
    assert counts[~possible].sum() == 0
    # Chi-square: mean = degrees of freedom, standard deviation = sqrt(2 df); five of them is one in millions.
    df = possible.sum() - 1
    assert ((counts[possible] - expected) ** 2 / expected).sum() < df + 5 * np.sqrt(2 * df)


@pytest.mark.parametrize(("ratio", "num_kinds"), [((1, 0, 0), 12), ((0, 1, 0), 9)])
def test_identical_and_neighbour_pairs_are_uniform(ratio, num_kinds, rng):
    """Three episodes with 12 rows and 9 transitions between them."""
    n = 100_000
    left = line([1, 2, 6]).sample_pairs(n, ratio=ratio, rng=rng).left
    counts = np.unique(left, return_counts=True)[1]
    expected = n / num_kinds
    assert len(counts) == num_kinds
    assert ((counts - expected) ** 2 / expected).sum() < num_kinds + 5 * np.sqrt(2 * num_kinds)


def test_kinds_are_mixed_so_that_any_slice_is_a_batch(rng):
    pairs = line([5, 5]).sample_pairs(4000, rng=rng)
    shares = np.bincount(pairs.target[:400], minlength=3) / 400
    np.testing.assert_allclose(shares, [0.25, 0.25, 0.5], atol=0.1)


def test_the_generator_decides_and_matters():
    def draw(seed):
        return line([5, 5]).sample_pairs(64, rng=np.random.default_rng(seed))

    assert np.array_equal(draw(0).left, draw(0).left)
    assert np.array_equal(draw(0).right, draw(0).right)
    assert not np.array_equal(draw(0).left, draw(1).left)


def test_far_pairs_of_a_single_episode_are_refused(rng):
    with pytest.raises(DatasetError, match=r"has only one; use ratio=\(1, 1, 0\)"):
        line([5]).sample_pairs(4, rng=rng)
    assert len(line([5]).sample_pairs(4, ratio=(1, 1, 0), rng=rng)) == 4


@pytest.mark.parametrize("ratio", [(0, 0, 0), (-1, 1, 1), (1, 1), (np.nan, 1, 1)])
def test_an_impossible_ratio_is_refused(ratio, rng):
    with pytest.raises(DatasetError, match="three finite weights"):
        line([5, 5]).sample_pairs(4, ratio=ratio, rng=rng)


def test_a_negative_number_of_pairs_is_refused(rng):
    with pytest.raises(DatasetError, match="n=-1"):
        line([5, 5]).sample_pairs(-1, rng=rng)
