"""The one promise that everything serves, kept small enough for every test run: learn from images, then get there."""

from __future__ import annotations

from agents import Plan2Vec
from data_collection import make_dataset
from evaluation.closed_loop import closed_loop
from evaluation.tasks import make_tasks

ENV_ID = "Plan2vec/CMaze-v0"


def test_a_hundred_random_rollouts_are_enough_to_find_the_way_round_the_wall():
    """A uniform policy reaches 15 % of these tasks, a straight line on true positions two thirds."""
    dataset = make_dataset(ENV_ID, size="100x10", seed=0, progress=False)
    agent = Plan2Vec().fit(dataset.without_oracle(), seed=0, progress=False)
    result = closed_loop(agent, make_tasks(ENV_ID, 200))
    assert result.success_02.mean() >= 0.9
    assert result.success_02[result.blocked].mean() >= 0.8
