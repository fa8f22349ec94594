"""The rope as an environment: actions, episodes, rewards, bad input."""

from __future__ import annotations

import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import plan2vec_envs
from plan2vec_envs.errors import InvalidActionError, InvalidOptionError, UnknownNameError
from plan2vec_envs.rope import env as rope_env
from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope.actions import RopeActions, link_share
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT, RopeEnv
from plan2vec_envs.rope.physics import REACH, drag
from plan2vec_envs.rope.shape import LINK, NODES, TETHER
from plan2vec_envs.rope.wander import wander

from ...rope_scale import straight

TIP = NODES - 1


def make(**kwargs):
    return gym.make(plan2vec_envs.ROPE_ID, **kwargs)


# Actions


def test_every_node_can_be_taken_and_shares_round_to_the_nearest():
    read = RopeActions("box").read
    for node in range(1, NODES):
        assert read(np.array([link_share(node), 0, 0], np.float32))[0] == node
        assert read([link_share(node) + 0.02, 0.0, 0.0])[0] == node
    node, delta = read(np.array([-7, 0.5, 9], np.float32))
    assert node == 1
    assert delta.tolist() == [REACH / 2, REACH]


def test_discrete_actions_are_three_nodes_times_eight_directions_of_full_length():
    actions = RopeActions("discrete")
    read = [actions.read(number) for number in range(24)]
    assert [node for node, _ in read] == [7] * 8 + [14] * 8 + [21] * 8
    deltas = np.array([delta for _, delta in read]).reshape(3, 8, 2)
    assert np.linalg.norm(deltas, axis=-1) == pytest.approx(REACH)
    angles = np.degrees(np.arctan2(deltas[..., 1], deltas[..., 0])) % 360
    np.testing.assert_allclose(angles, [np.arange(8) * 45] * 3)


@pytest.mark.parametrize("action", [None, "a", 0.5, [0.1, 0.2], [[0, 0, 0]], [np.nan, 0, 0], ["a", "b", "c"]])
def test_what_is_no_box_action_is_refused(action):
    env = make().unwrapped
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match=r"three numbers in .-1, 1."):
        env.step(action)


@pytest.mark.parametrize("action", [None, "a", 0.5, -1, 24, [0], True])
def test_what_is_no_discrete_action_is_refused(action):
    env = make(action_type="discrete").unwrapped
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match="actions 0 to 23"):
        env.step(action)


# Environment


@pytest.mark.parametrize("kwargs", [{}, {"action_type": "discrete"}, {"ordered": False}])
def test_env_passes_both_checkers(kwargs):
    check_env(make(render_mode="rgb_array", **kwargs).unwrapped)
    sb3_check_env(make(**kwargs).unwrapped, warn=True)


def test_id_is_registered_with_strings_and_the_step_limit():
    spec = gym.spec("Plan2vec/Rope-v0")
    assert spec.id == plan2vec_envs.ROPE_ID
    assert spec.id in plan2vec_envs.ALL_ENV_IDS
    assert spec.id not in plan2vec_envs.ROOM_IDS
    assert isinstance(spec.entry_point, str)
    assert spec.max_episode_steps == 200


def test_same_seed_gives_the_same_episode_whatever_came_before():
    env, other = make(), make()
    other.reset(seed=5)
    for _ in range(10):
        other.step(np.array([0.3, -1, 1], np.float32))
    env.action_space.seed(1)
    assert data_equivalence(env.reset(seed=3), other.reset(seed=3), exact=True)
    for _ in range(30):
        action = env.action_space.sample()
        assert data_equivalence(env.step(action), other.step(action), exact=True)


def test_another_seed_gives_another_start_and_goal():
    first, second = (make().reset(seed=seed)[1] for seed in (0, 1))
    assert node_displacement(first["oracle_position"], second["oracle_position"]) > 1
    assert node_displacement(first["oracle_goal"], second["oracle_goal"]) > 1


def test_a_state_that_is_set_goes_on_as_the_one_it_was_read_from():
    env, other = make(), make()
    _, info = env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(20):
        *_, info = env.step(env.action_space.sample())
    state = {"start": info["oracle_position"], "goal": info["oracle_goal"]}
    _, again = other.reset(options=state)
    np.testing.assert_array_equal(again["oracle_position"], info["oracle_position"])
    for _ in range(20):
        action = env.action_space.sample()
        assert data_equivalence(env.step(action), other.step(action), exact=True)


def test_pickled_env_continues_identically():
    env = make().unwrapped
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(12):
        env.step(env.action_space.sample())
    copy = pickle.loads(pickle.dumps(env))
    for _ in range(12):
        action = env.action_space.sample()
        assert data_equivalence(env.step(action), copy.step(action), exact=True)
    assert data_equivalence(env.reset(), copy.reset(), exact=True)


def test_spec_survives_json():
    env = make(action_type="discrete", ordered=False)
    text = env.spec.to_json()
    json.loads(text)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(text))
    assert data_equivalence(env.reset(seed=5), again.reset(seed=5), exact=True)
    assert data_equivalence(env.step(9), again.step(9), exact=True)


def test_returned_arrays_belong_to_the_caller():
    """Painting over everything that was returned, or given, changes nothing that follows."""
    careful, careless = make(), make()
    start, goal = straight(), drag(straight(), TIP, np.array([2.0, 0.0]))
    for _ in range(5):
        goal = drag(goal, TIP, np.array([2.0, 0.0]))
    given = {"start": start.copy(), "goal": goal.copy()}
    expected, returned = careful.reset(seed=0, options={"start": start, "goal": goal}), careless.reset(options=given)
    for array in given.values():
        array[...] = 0
    for number in range(6):
        for array in (*returned[0].values(), *(v for v in returned[-1].values() if isinstance(v, np.ndarray))):
            array[...] = 0
        action = np.array([1, -1, number / 6], np.float32)
        expected, returned = careful.step(action), careless.step(action)
        assert data_equivalence(expected, returned, exact=True)


def test_goal_image_is_the_view_of_the_goal():
    env = make()
    observation, info = env.reset(seed=4)
    render = env.unwrapped.render_state
    np.testing.assert_array_equal(observation["desired_goal"], render(info["oracle_goal"]))
    np.testing.assert_array_equal(observation["observation"], render(info["oracle_position"]))
    np.testing.assert_array_equal(observation["achieved_goal"], observation["observation"])
    both = render(np.stack([info["oracle_goal"], info["oracle_position"]]))
    np.testing.assert_array_equal(both[0], observation["desired_goal"])


def test_success_ends_the_episode_when_no_node_is_five_pixels_off():
    env = make()
    goal = drag(straight(), TIP, np.array([-2.0, 0.0]))
    for _ in range(7):
        goal = drag(goal, TIP, np.array([-2.0, 0.0]))
    _, info = env.reset(options={"start": straight(), "goal": goal})
    assert not info["is_success"]
    for _ in range(20):
        _, reward, terminated, truncated, info = env.step(np.array([1, -0.8, 0], np.float32))
        apart = np.linalg.norm(info["oracle_position"] - goal, axis=1).max()
        assert info["oracle_displacement"] == pytest.approx(apart)
        assert info["is_success"] == terminated == (reward == 0) == (apart < 5)
        assert not truncated
        if terminated:
            break
    assert terminated


def test_episode_is_truncated_after_two_hundred_steps():
    env = make()
    far = straight()
    for _ in range(10):
        far = drag(far, TIP, np.array([2.0, -1.0]))
    env.reset(options={"start": straight(), "goal": far})
    ends = [env.step(np.zeros(3, np.float32))[2:4] for _ in range(200)]
    assert ends == [(False, False)] * 199 + [(False, True)]


def test_start_and_goal_are_never_within_success():
    env = make()
    for seed in range(8):
        _, info = env.reset(seed=seed)
        assert info["oracle_displacement"] >= SUCCESS_DISPLACEMENT
        assert not info["is_success"]


@pytest.mark.parametrize("given", ["start", "goal"])
def test_the_other_end_of_a_task_is_drawn_away_from_the_given_one(given):
    env = make()
    nodes = straight()
    _, info = env.reset(seed=0, options={given: nodes, ("goal" if given == "start" else "start"): None})
    key = "oracle_position" if given == "start" else "oracle_goal"
    np.testing.assert_array_equal(info[key], nodes)
    assert info["oracle_displacement"] >= SUCCESS_DISPLACEMENT


def test_vector_env_of_gymnasium_takes_it():
    env = gym.make_vec(plan2vec_envs.ROPE_ID, num_envs=2)
    observation, info = env.reset(seed=0)
    assert observation in env.observation_space
    assert info["oracle_position"].shape == (2, NODES, 2)
    env.close()


# Reward


def test_reward_is_the_computed_one_alone_and_in_batches_and_for_other_goals():
    env = make().unwrapped
    observation, info = env.reset(seed=0)
    frames, nodes, rewards, infos = [], [], [], []
    for action in wander(info["oracle_position"], 60, np.random.default_rng(0))[1]:
        observation, reward, *_, info = env.step(action)
        pair = observation["achieved_goal"], observation["desired_goal"]
        for known in (info, {}):
            computed = env.compute_reward(*pair, known)
            assert type(computed) is float
            assert computed == reward
        frames.append(pair[0])
        nodes.append(info["oracle_position"])
        rewards.append(reward)
        infos.append(info)
    frames, nodes = np.stack(frames), np.stack(nodes)
    desired = np.repeat(observation["desired_goal"][None], 60, axis=0)
    batch = env.compute_reward(frames, desired, infos)
    assert batch.dtype == np.float32
    assert batch.tolist() == rewards
    # Hindsight: what was reached some steps later becomes the goal, while the info speaks of another one.
    later = np.minimum(np.arange(60) + np.arange(60) % 7, 59)
    expected = np.where(node_displacement(nodes, nodes[later]) < 5, 0.0, -1.0)
    assert env.compute_reward(frames, frames[later], infos).tolist() == expected.tolist()
    assert env.compute_reward(frames, frames[later], [{}] * 60).tolist() == expected.tolist()
    assert set(expected) == {0.0, -1.0}


def test_reward_of_another_env_is_computed_from_info_and_without_it_refused():
    env, other = make().unwrapped, make().unwrapped
    env.reset(seed=0)
    observation, reward, *_, info = env.step(np.array([1, 1, 0], np.float32))
    pair = observation["achieved_goal"], observation["desired_goal"]
    assert other.compute_reward(*pair, info) == reward
    for bare in ({}, None, {"oracle_goal": info["oracle_goal"]}):
        with pytest.raises(InvalidOptionError, match=r"none of the last .* copy_info_dict=True"):
            other.compute_reward(*pair, bare)
    with pytest.raises(InvalidOptionError, match="none of the last"):
        env.compute_reward(np.zeros((1, 64, 64), np.uint8), pair[1], info)


def test_oldest_pictures_are_forgotten(monkeypatch):
    monkeypatch.setattr(rope_env, "REMEMBERED", 3)
    env, nodes = make().unwrapped, straight()
    shown = []
    for step in (0, 1, 2, 0, 3, 4):  # the first one comes again and so is young
        shown.append((step, env._draw(np.add(nodes, (0.25 * step, 0)))))
    for step, frame in shown:
        if step in (1, 2):
            with pytest.raises(InvalidOptionError, match="none of the last 3"):
                env._nodes_of(frame, None, "oracle_position")
        else:
            assert env._nodes_of(frame, None, "oracle_position").tolist() == np.add(nodes, (0.25 * step, 0)).tolist()
    assert len(env._drawn) == 3


# Bad input


def changed(row, value):
    nodes = straight()
    nodes[row] = value
    return nodes


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ("straight", "is a str"),
        (np.zeros((21, 2)), r"has shape \(21, 2\); need \(22, 2\)"),
        (changed(3, np.nan), "NaN or infinity at node 3"),
        (straight() + 1, r"begins at \(33.00, 6.00\); the rope is tethered at \(32.00, 5.00\)"),
        (straight() * [1, 2] - [0, 5], r"node \d+ of start is at \(32.00, .*\); the arena is 2 to 62"),
        (changed(9, (32, 25.5)), r"link \d of start is .* pixels long; links are 2.2"),
        (np.array([TETHER] + [(32 + LINK * (i % 2), 5.0) for i in range(1, 22)]), "turns by 180 degrees at node 1"),
        (TETHER + LINK * np.arange(22)[:, None] * np.array([-12, 25]) / np.hypot(12, 25), "from a peg's edge"),
    ],
)
def test_a_rope_that_cannot_lie_like_this_is_refused(nodes, words):
    env = make()
    env.reset(seed=0)
    with pytest.raises(InvalidOptionError, match=words):
        env.reset(options={"start": nodes})


def test_a_reset_that_is_refused_changes_nothing():
    env = make().unwrapped
    _, before = env.reset(seed=0)
    for options, words in (
        ({"strat": straight()}, "Did you mean 'start'"),
        ({"start": straight(), "goal": straight()}, "0.00 pixels apart, which counts as reached"),
        ({"goal": np.zeros(3)}, "goal has shape"),
    ):
        with pytest.raises(InvalidOptionError, match=words):
            env.reset(seed=9, options=options)
    *_, info = env.step(np.zeros(3, np.float32))
    np.testing.assert_array_equal(info["oracle_goal"], before["oracle_goal"])


def test_bad_arguments_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'discrete'"):
        make(action_type="discreet")
    with pytest.raises(InvalidOptionError, match="ordered is 'yes'; need True or False"):
        make(ordered="yes")
    with pytest.raises(UnknownNameError, match="render mode"):
        RopeEnv(render_mode="ansi")
    env = make().unwrapped
    with pytest.raises(gym.error.ResetNeeded):
        env.step(np.zeros(3, np.float32))
