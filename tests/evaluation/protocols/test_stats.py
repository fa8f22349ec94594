"""Statistics against brute force and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.protocols.stats import interval, iqm, mean, stratified_bootstrap, wilson

scores = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.floats(0, 1))


@given(scores)
def test_interquartile_mean_equals_the_mean_of_the_sorted_middle(x):
    ordered = sorted(x.ravel().tolist())
    cut = len(ordered) // 4
    middle = ordered[cut : len(ordered) - cut]
    assert iqm(x) == pytest.approx(sum(middle) / len(middle))


@given(scores)
def test_statistics_of_a_stack_are_those_of_its_members(x):
    stack = np.stack([x, 1 - x])
    for statistic in (mean, iqm):
        assert statistic(stack) == pytest.approx([statistic(x), statistic(1 - x)])


@given(scores)
def test_bootstrap_interval_lies_within_the_worst_and_best_pick_a_task(x):
    found = stratified_bootstrap(x, reps=50)
    assert x.min(0).mean() - 1e-12 <= found.low <= found.high <= x.max(0).mean() + 1e-12


def test_bootstrap_matches_the_exact_distribution_of_a_two_run_matrix():
    """Two runs, one task, scores 0 and 1: the mean of two draws is 0, .5, 1 with probability 1/4, 1/2, 1/4."""
    found = stratified_bootstrap(np.array([[0.0], [1.0]]), reps=4000)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_bootstrap_resamples_within_tasks_only():
    """Runs agree on every task, tasks differ: there is nothing to resample."""
    found = stratified_bootstrap(np.array([[0.0, 1.0, 1.0]] * 5))
    assert found.low == found.high == pytest.approx(2 / 3)


def test_bootstrap_depends_on_its_seed_alone():
    x = np.random.default_rng(0).random((5, 30))
    assert stratified_bootstrap(x, seed=1) == stratified_bootstrap(x, seed=1)
    assert stratified_bootstrap(x, seed=1) != stratified_bootstrap(x, seed=2)


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((0, 3)), np.array([[np.nan]])])
def test_what_is_no_score_matrix_is_refused(bad):
    with pytest.raises(ValueError, match=r"\(R, J\)"):
        stratified_bootstrap(bad)


def test_wilson_interval_agrees_with_the_textbook():
    """8 of 10: .490 to .943 (Wilson 1927, z = 1.96)."""
    found = wilson(np.array([True] * 8 + [False] * 2))
    assert (found.low, found.high) == pytest.approx((0.4901, 0.9433), abs=1e-3)


def test_wilson_interval_does_not_collapse_at_certainty():
    assert 0.98 < wilson(np.ones(200, bool)).low < 0.99


def test_runs_that_do_not_differ_get_a_wilson_interval_and_others_a_bootstrap():
    one = np.array([[True, False, True]])
    assert interval(one) == wilson(one)
    assert interval(np.repeat(one, 3, 0)) == wilson(np.repeat(one, 3, 0))
    assert interval(np.concatenate([one, ~one])) == stratified_bootstrap(np.concatenate([one, ~one]))
