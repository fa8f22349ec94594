"""The metric as a reward: the formula against exact values, farthest goals, saving."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import get_agent
from agents.errors import ConfigError, NotFittedError
from agents.reward import MetricReward
from plan2vec_envs import UnknownNameError

from ..metric_worlds import LatentMetric, PlainMetric, make_vec

# ---- the formula


class TableMetric:
    """Any number for each of S states, whatever the goal: (B, 1) state numbers."""

    name, observation_shape, is_image = "table", (1,), False

    def __init__(self, table):
        self.table = np.asarray(table, np.float64)

    def distance(self, observation, goal):
        return self.table[observation[:, 0].astype(int)]


def optimal_values(transition, reward, ends, gamma, sweeps=3000):
    """Q of (S, A) by value iteration; transition and reward (S, A, S), ends (S,) where the task is over."""
    q = np.zeros(transition.shape[:2])
    for _ in range(sweeps):
        new = (transition * (reward + gamma * np.where(ends, 0, q.max(1)))).sum(2)
        if np.abs(new - q).max() < 1e-12:
            break
        q = new
    return q


def paid(metric_reward, reward, ends):
    """(S, A, S) rewards of all transitions, with the metric's."""
    states, actions, _ = reward.shape
    here, _, there = (axis.ravel()[:, None] for axis in np.mgrid[:states, :actions, :states])
    return metric_reward(here, there, there, reward.ravel(), ends[there[:, 0]]).reshape(reward.shape)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    gamma=st.floats(0.3, 0.97),
    scale=st.floats(0.1, 3),
    max_distance=st.none() | st.floats(0.5, 20),
)
def test_shaping_by_any_metric_shifts_values_by_the_potential_and_keeps_the_best_policy(
    seed, gamma, scale, max_distance
):
    rng = np.random.default_rng(seed)
    transition, reward = rng.dirichlet(np.ones(6) * 0.4, (6, 3)), rng.normal(size=(6, 3, 6))
    ends, nonsense = np.arange(6) >= 4, rng.normal(0, 10, 6)
    shaping = MetricReward(TableMetric(nonsense), gamma=gamma, scale=scale, max_distance=max_distance)
    task = optimal_values(transition, reward, ends, gamma)
    shaped = optimal_values(transition, paid(shaping, reward, ends), ends, gamma)
    potential = -scale * np.minimum(nonsense, np.inf if max_distance is None else max_distance)
    going = ~ends
    np.testing.assert_allclose(shaped[going], (task - potential[:, None])[going], atol=1e-3)
    first, second = np.sort(task[going], 1)[:, :-3:-1].T
    clear = first - second > 2e-3
    np.testing.assert_array_equal(shaped[going].argmax(1)[clear], task[going].argmax(1)[clear])


def test_distance_mode_prefers_to_linger_before_a_wall_and_shaping_does_not():
    # From 0, the agent may stay (action 0) or walk round the wall over 1 to the goal 2. The straight line to the goal
    # is short from 0 and long from 1. For a discount of 1/2, staying costs 1 + 1/2 + ... = 2 and walking 9 + 0.
    metric, gamma = TableMetric([1, 9, 0]), 0.5
    transition = np.zeros((3, 2, 3))
    for state, successors in enumerate([(0, 1), (0, 2), (2, 2)]):
        for action, successor in enumerate(successors):
            transition[state, action, successor] = 1
    ends = np.array([False, False, True])
    reward = np.where(ends, 0.0, -1.0) * np.ones((3, 2, 1))
    policies = {"task": optimal_values(transition, reward, ends, gamma).argmax(1)[0]}
    for mode in ("distance", "shaping"):
        made = paid(MetricReward(metric, mode, gamma=gamma), reward, ends)
        policies[mode] = optimal_values(transition, made, ends, gamma).argmax(1)[0]
    assert policies == {"task": 1, "shaping": 1, "distance": 0}


def test_every_mode_pays_what_its_row_of_the_table_says():
    # D of states 0 to 3 is 5, 2, 1, 30; 30 counts as 8. One step from 0 to each of the others.
    metric = TableMetric([5, 2, 1, 30])
    here, there, zero = np.zeros((3, 1)), np.array([[1], [2], [3]]), np.zeros(3)
    step = (here, there, here, np.array([-1.0, 0.0, -1.0]), np.array([False, True, False]))
    expected = {
        "shaping": [-1 + 2 * (5 - 0.5 * 2), 0 + 2 * 5, -1 + 2 * (5 - 0.5 * 8)],
        "distance": [-4, -2, -16],
        "progress": [6, 8, -6],
        "sparse": [0, 0, -2],
    }
    for mode, rewards in expected.items():
        paying = MetricReward(metric, mode, gamma=0.5, scale=2, max_distance=8, radius=2)
        answer = paying(*step)
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, rewards)
    quiet = MetricReward(metric, gamma=0.5)(here, there, here)
    np.testing.assert_allclose(quiet, zero + 5 - 0.5 * np.array([2, 1, 30]))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"gamma": 0}, "gamma 0"),
        ({"gamma": 1.01}, "gamma 1.01"),
        ({"gamma": float("nan")}, "gamma nan"),
        ({"scale": 0}, "scale 0"),
        ({"scale": float("inf")}, "scale inf"),
        ({"max_distance": 0}, "max_distance 0"),
        ({"max_distance": float("nan")}, "max_distance nan"),
        ({"radius": -1}, "radius -1"),
    ],
)
def test_numbers_that_cannot_be_are_refused(numbers, said):
    with pytest.raises(ConfigError, match=said):
        MetricReward(LatentMetric(), **numbers)


def test_an_unknown_mode_an_unfitted_agent_and_novelty_without_latents_are_refused():
    with pytest.raises(UnknownNameError, match="shaping"):
        MetricReward(LatentMetric(), "shapping")
    with pytest.raises(ConfigError, match=r"no observation_shape, is_image.*load_agent"):
        MetricReward(object())
    with pytest.raises(NotFittedError, match=r"Plan2Vec has learned nothing yet.*load"):
        MetricReward(get_agent("plan2vec")())
    with pytest.raises(ConfigError, match="'plain' has no latents"):
        MetricReward(PlainMetric(), "novelty")


# ---- saved and loaded


def a_step():
    frames = make_vec(12, obs_type="image").reset(seed=0)[0]["observation"]
    return frames[:4], frames[4:8], frames[8:]


def test_a_loaded_agent_pays_the_same_rewards_bit_for_bit(quick_agent, tmp_path):
    quick_agent.save(tmp_path / "agent")
    loaded = MetricReward.load(tmp_path / "agent", "progress", scale=2)
    np.testing.assert_array_equal(loaded(*a_step()), MetricReward(quick_agent, "progress", scale=2)(*a_step()))


@pytest.mark.slow
def test_a_loaded_agent_pays_the_same_rewards_bit_for_bit_in_another_process(quick_agent, tmp_path):
    quick_agent.save(tmp_path / "agent")
    step = a_step()
    paid = MetricReward(quick_agent, gamma=0.9)(*step)
    np.savez(tmp_path / "step.npz", *step)
    code = (
        "import sys, numpy as np; from agents.reward import MetricReward\n"
        "paid = MetricReward.load(sys.argv[1], gamma=0.9)(*np.load(sys.argv[2]).values()); print(paid.tobytes().hex())"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "agent"), str(tmp_path / "step.npz")]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip() == paid.tobytes().hex()
