"""What every registered agent keeps to, unasked: adding an agent adds it here. The promises: agents/base/check.py."""

from __future__ import annotations

import numpy as np
import pytest

from agents import AGENTS, Plan2Vec, load_agent
from agents.base.check import check_agent, fit_quickly, tiny_images
from agents.baselines.sptm_one_step import SPTMOneStepAgent
from agents.errors import AgentContractError, CheckpointError
from data_collection.errors import Plan2vecError


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_every_registered_agent_keeps_its_promises(name):
    check_agent(AGENTS[name])


class Negative(SPTMOneStepAgent):
    def distance(self, observation, goal):
        return super().distance(observation, goal) - 100


class Forgetful(SPTMOneStepAgent):
    def save(self, path):
        self.local_metric.scale *= 2
        super().save(path)
        self.local_metric.scale /= 2


class Vandal(SPTMOneStepAgent):
    def act(self, observation, goal, **options):
        found = super().act(observation, goal, **options)
        observation[:] = 0
        return found


class Moody(SPTMOneStepAgent):
    calls = 0

    def act(self, observation, goal, **options):
        type(self).calls += 1
        return (super().act(observation, goal, **options) + self.calls) % 4


class Stubborn(SPTMOneStepAgent):
    def fit(self, dataset, *, seed=0, **options):
        return super().fit(dataset, seed=0, **options)


class Peeping(SPTMOneStepAgent):
    def fit(self, dataset, *, seed=0, **options):
        return super().fit(dataset, seed=seed if dataset.oracle_position is None else 5, **options)


class Credulous(SPTMOneStepAgent):
    def _batch(self, observation, what):
        if np.ndim(observation) == 4 and np.shape(observation)[1:] != self.observation_shape:
            observation = np.resize(observation, (len(observation), *self.observation_shape))
        return super()._batch(np.asarray(observation), what)


class Astray(Plan2Vec):
    def plan(self, observation, goal):
        plan = super().plan(observation, goal)
        return type(plan)(np.array([0, self.graph.num_vertices - 1]), plan.cost)


@pytest.mark.parametrize(
    ("faulty", "what"),
    [
        (Negative, "distances are"),
        (Forgetful, "loaded again, measures and acts the same"),
        (Vandal, "wrote into the observations"),
        (Moody, "the same input gave two actions"),
        (Stubborn, "the seed does not matter"),
        (Peeping, "True positions in the dataset change nothing"),
        (Credulous, "8 x 8 pixels was taken"),
        (Astray, "is no path of the graph"),
    ],
)
def test_a_planted_fault_is_found_and_named(faulty, what):
    with pytest.raises(AgentContractError, match=f"{faulty.__name__} breaks a promise.*{what}"):
        check_agent(faulty)


def test_a_folder_without_an_agent_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="holds no saved agent"):
        load_agent(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_agent(tmp_path / "nowhere")


def test_an_agent_is_found_in_the_folder_of_its_run(tmp_path):
    fit_quickly(SPTMOneStepAgent, tiny_images()).save(tmp_path / "agent")
    assert load_agent(tmp_path).name == "sptm-1-step"


def test_an_unknown_agent_is_answered_with_the_closest_name():
    from agents import get_agent

    with pytest.raises(Plan2vecError, match="Did you mean 'plan2vec'"):
        get_agent("plan2vce")
