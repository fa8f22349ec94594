"""Waypoints in front of other people's policies."""

from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.her import HerReplayBuffer

from agents import Plan2Vec, Plan2VecWaypoints
from agents.baselines.sptm import SPTMAgent, SPTMConfig
from agents.control.action_memory import MemoryConfig
from agents.control.controls import InverseControl, Ring
from agents.errors import ConfigError, NotFittedError, ObservationError
from agents.sb3 import PlanWrapper

from ..walled import Straight, WalledEnv, walks, walled_config

HOPS, RING = (
    {"control": InverseControl()},
    {
        "control": InverseControl(waypoint=Ring(ring=3.0)),
        "memory": MemoryConfig(penalty=0.0, visit_penalty=0.3),
    },
)


@pytest.fixture(scope="module")
def dataset():
    return walks()


@pytest.fixture(scope="module", params=[HOPS, RING], ids=["hops", "ring"])
def agent(request, dataset):
    return Plan2VecWaypoints(walled_config(**request.param)).fit(dataset, progress=False)


def lanes(rng, count):
    """Observations to the left of the wall, goals to its right."""
    here, goal = rng.uniform(0.2, 2.5, (2, count, 2)).astype(np.float32)
    goal[:, 0] += 5
    return {"observation": here, "achieved_goal": here, "desired_goal": goal}


def share_arrived(policy):
    """By Stable-Baselines3's own evaluation: an episode that ends early has arrived."""
    venv = DummyVecEnv([lambda: Monitor(WalledEnv()) for _ in range(4)])
    venv.seed(0)
    _, steps = evaluate_policy(policy, venv, n_eval_episodes=20, return_episode_rewards=True)
    return np.mean(np.array(steps) < WalledEnv().max_steps)


def test_a_policy_that_walks_straight_stays_behind_the_wall():
    assert share_arrived(Straight()) == 0


def test_waypoints_lead_it_round(agent, dataset):
    assert share_arrived(PlanWrapper(Straight(), agent, dataset)) == 1


def test_the_goal_becomes_the_frame_of_the_waypoint_that_the_agent_would_walk_to(agent, dataset, rng):
    given = lanes(rng, 7)
    vertices, near = agent.next_waypoints(given["observation"], given["desired_goal"])
    assert not near.any()
    found = PlanWrapper(Straight(), agent, dataset.observations).redirect(given)
    np.testing.assert_array_equal(found["desired_goal"], dataset.observations[agent.vertex_rows[vertices]])
    assert found["observation"] is given["observation"]


def test_a_waypoint_is_nearer_than_the_goal(agent, dataset, rng):
    given = lanes(rng, 7)
    found = PlanWrapper(Straight(), agent, dataset).redirect(given)
    gaps = (np.linalg.norm(each["desired_goal"] - given["observation"], axis=1) for each in (found, given))
    assert np.less(*gaps).all()


def test_any_agent_with_waypoints_leads(dataset, rng):
    local = walled_config().local_metric
    sptm = SPTMAgent(SPTMConfig(local_metric=local)).fit(dataset, progress=False)
    found = PlanWrapper(Straight(), sptm, dataset).redirect(lanes(rng, 5))["desired_goal"]
    assert (found[:, None] == dataset.observations[sptm.vertex_rows]).all(2).any(1).all()


def test_a_near_goal_stays_as_it_is(agent, dataset, rng):
    given = lanes(rng, 5)
    given["desired_goal"][:2] = given["observation"][:2] + 0.2
    found = PlanWrapper(Straight(), agent, dataset).redirect(given)["desired_goal"]
    np.testing.assert_array_equal((found == given["desired_goal"]).all(1), [True, True, False, False, False])


def test_a_batch_is_as_its_lanes_one_by_one(agent, dataset, rng):
    wrapper, given = PlanWrapper(Straight(), agent, dataset), lanes(rng, 6)
    batch, _ = wrapper.predict(given)
    singles = [wrapper.predict({name: each[lane] for name, each in given.items()})[0] for lane in range(6)]
    np.testing.assert_array_equal(batch, np.stack(singles))


def test_the_state_goes_round_and_what_was_given_stays(agent, dataset, rng):
    wrapper, given = PlanWrapper(Straight(), agent, dataset), lanes(rng, 3)
    before = {name: each.copy() for name, each in given.items()}
    _, state = wrapper.predict(given, None, np.ones(3, bool), deterministic=True)
    _, again = wrapper.predict(given, state, np.zeros(3, bool), deterministic=True)
    assert (state.policy, again.policy) == (1, 2)
    assert again.memory is state.memory
    assert all(np.array_equal(given[name], before[name]) for name in given)


def test_where_it_hangs_the_memory_chooses_another_waypoint_until_the_episode_ends(dataset, rng):
    agent = Plan2VecWaypoints(walled_config(**RING)).fit(dataset, progress=False)
    wrapper, given = PlanWrapper(Straight(), agent, dataset), lanes(rng, 1)
    first, state = wrapper.predict(given)
    for _ in range(40):
        later, state = wrapper.predict(given, state, np.zeros(1, bool))
        if not np.array_equal(later, first):
            break
    assert not np.array_equal(later, first)
    np.testing.assert_array_equal(wrapper.predict(given, state, np.ones(1, bool))[0], first)


@pytest.mark.parametrize(("algorithm", "shape"), [(DQN, (4,)), (SAC, (4, 2))])
def test_policies_of_stable_baselines_predict_through_it(algorithm, shape, agent, dataset, rng):
    env = DummyVecEnv([lambda: WalledEnv(discrete=algorithm is DQN)])
    model = algorithm(
        "MultiInputPolicy",
        env,
        buffer_size=200,
        replay_buffer_class=HerReplayBuffer,
        policy_kwargs={"net_arch": [8]},
        seed=0,
    )
    wrapper, given = PlanWrapper(model, agent, dataset), lanes(rng, 4)
    actions, state = wrapper.predict(given, deterministic=True)
    assert actions.shape == shape
    assert state.policy is None
    np.testing.assert_array_equal(actions, model.predict(wrapper.redirect(given), deterministic=True)[0])
    single, _ = wrapper.predict({name: each[0] for name, each in given.items()}, deterministic=True)
    np.testing.assert_allclose(single, actions[0], rtol=1e-5)


def test_goals_may_have_a_space_of_their_own(agent, dataset, rng):
    given = lanes(rng, 4)
    wide = given | {"observation": np.concatenate([given["observation"], np.zeros((4, 2), np.float32)], 1)}
    wrapper = PlanWrapper(Straight(), agent, dataset, observation_key="achieved_goal")
    plain = PlanWrapper(Straight(), agent, dataset).redirect(given)["desired_goal"]
    np.testing.assert_array_equal(wrapper.redirect(wide)["desired_goal"], plain)


def test_frames_in_another_order_are_refused(agent, dataset):
    with pytest.raises(ObservationError, match="not those that the agent remembers"):
        PlanWrapper(Straight(), agent, dataset.observations[::-1])
    with pytest.raises(ObservationError, match="there are 10 frames"):
        PlanWrapper(Straight(), agent, dataset.observations[:10])


def test_an_agent_without_waypoints_is_refused(dataset):
    with pytest.raises(ConfigError, match="'plan2vec' chooses no waypoints"):
        PlanWrapper(Straight(), Plan2Vec(), dataset)
    with pytest.raises(NotFittedError, match="call fit"):
        PlanWrapper(Straight(), Plan2VecWaypoints(), dataset)


def test_observations_that_do_not_fit_are_refused(agent, dataset, rng):
    wrapper, given = PlanWrapper(Straight(), agent, dataset), lanes(rng, 4)
    with pytest.raises(ObservationError, match="no 'desired_goal' among achieved_goal, observation"):
        wrapper.predict({name: given[name] for name in ("achieved_goal", "observation")})
    with pytest.raises(ObservationError, match="4 observations and 2 goals"):
        wrapper.predict(given | {"desired_goal": given["desired_goal"][:2]})
    _, state = wrapper.predict(given)
    with pytest.raises(ObservationError, match="has 2 lanes and the state 4"):
        wrapper.predict({name: each[:2] for name, each in given.items()}, state)
