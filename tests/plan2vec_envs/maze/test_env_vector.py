"""One batch of rooms is a loop over single rooms, bit for bit."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from plan2vec_envs import ROOM_IDS, InvalidActionError, InvalidOptionError, UnknownNameError
from plan2vec_envs.maze.vector import MazeVectorEnv

NUM_ENVS = 5


def pair(env_id, mode, num_envs=NUM_ENVS, **kwargs):
    native = gym.make_vec(env_id, num_envs=num_envs, autoreset_mode=mode, **kwargs)
    loop = SyncVectorEnv([lambda: gym.make(env_id, **kwargs) for _ in range(num_envs)], autoreset_mode=mode)
    return native, loop


def restless_actions(space, num_steps, rng):
    """Random actions with long pushes into the corners, where the order of contacts could matter."""
    for step in range(num_steps):
        actions = space.sample()
        if step % 30 < 15:
            pushed = rng.random(len(actions)) < 0.7
            actions[pushed] = (0, 2, 5, 7)[step // 30 % 4] if actions.dtype == np.int64 else (-1) ** (step // 30)
        yield actions


def assert_same_for(native, loop, num_steps, rng):
    native.action_space.seed(0)
    assert data_equivalence(native.reset(seed=7), loop.reset(seed=7), exact=True)
    ends = 0
    for step, actions in enumerate(restless_actions(native.action_space, num_steps, rng)):
        ours, theirs = native.step(actions), loop.step(actions)
        assert data_equivalence(ours, theirs, exact=True), f"step {step} differs"
        ends += int((ours[2] | ours[3]).sum())
    return ends


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP], ids=lambda mode: mode.name)
@pytest.mark.parametrize("env_id", ROOM_IDS)
def test_images_rewards_ends_and_infos_equal_those_of_single_envs(env_id, mode, rng):
    assert assert_same_for(*pair(env_id, mode), 400, rng) > 30


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP], ids=lambda mode: mode.name)
@pytest.mark.parametrize("action_type", ["discrete9", "box"])
def test_states_and_other_actions_equal_those_of_single_envs(action_type, mode, rng):
    kwargs = {"obs_type": "state", "action_type": action_type, "goal": (0.2, 0.2)}
    assert assert_same_for(*pair("Plan2vec/CMaze-v0", mode, **kwargs), 400, rng) > 40


def test_two_spaces_of_agents_equal_single_envs(rng):
    """More lanes than one physics space holds, so lanes fall on both sides of the seam."""
    assert assert_same_for(*pair("Plan2vec/CMaze-v0", AutoresetMode.NEXT_STEP, 40, obs_type="state"), 120, rng) > 40


def test_lane_does_not_depend_on_the_number_of_lanes(rng):
    actions = rng.integers(0, 8, (120, 70))
    few, many = (MazeVectorEnv("table", num_envs=n, obs_type="state", autoreset_mode="same_step") for n in (3, 70))
    few.reset(seed=0), many.reset(seed=0)
    for row in actions:
        left, right = few.step(row[:3])[0], many.step(row)[0]
        assert np.array_equal(left["observation"], right["observation"][:3])


def test_disabled_mode_resets_by_mask_and_refuses_to_step_an_ended_lane():
    env = MazeVectorEnv("open", num_envs=2, action_type="discrete9", max_episode_steps=3, autoreset_mode="disabled")
    env.reset(seed=0, options={"start": (0.0, 0.0), "goal": [(0.02, 0.0), (0.2, 0.2)]})
    _, _, terminated, truncated, _ = env.step(np.array([7, 4]))
    assert terminated.tolist() == [True, False]
    with pytest.raises(gym.error.ResetNeeded, match=r"lanes \[0\] have ended"):
        env.step(np.array([4, 4]))
    options = {"reset_mask": terminated | truncated, "goal": (-0.2, 0.0)}
    _, info = env.reset(options=options)
    assert sorted(options) == ["goal", "reset_mask"]  # the caller's dict is as it was
    assert info["_oracle_goal"].tolist() == [True, False]
    ends = [env.step(np.array([4, 4]))[3].tolist() for _ in range(2)]
    assert ends == [[False, False], [False, True]]  # lane 1 went on counting


def test_masked_reset_keeps_what_the_other_lanes_see():
    env = MazeVectorEnv("open", num_envs=3)
    before, _ = env.reset(seed=0)
    after, _ = env.reset(seed=[None, 5, None], options={"reset_mask": np.array([False, True, False])})
    for key in before:
        assert np.array_equal(before[key][[0, 2]], after[key][[0, 2]])
        assert not np.array_equal(before[key][1], after[key][1])


def test_start_goal_and_task_take_one_row_a_lane(rng):
    env = MazeVectorEnv("c_maze", num_envs=3)
    start, goal = rng.uniform(0.13, 0.2, (2, 3, 2))
    _, info = env.reset(options={"start": start, "goal": goal})
    assert np.array_equal(info["oracle_position"], start)
    assert np.array_equal(info["oracle_goal"], goal)
    _, info = env.reset(options={"task": [0, "back_around", 2]})
    tasks = list(env.room.tasks.values())
    assert info["oracle_position"].tolist() == [list(task[0]) for task in tasks[:3]]


def test_fixed_goal_outlives_autoreset_and_an_option_does_not():
    fixed = MazeVectorEnv("open", num_envs=2, goal=(0.1, 0.1), max_episode_steps=2, autoreset_mode="same_step")
    fixed.reset(seed=0, options={"goal": (0.0, 0.2)})
    goals = [fixed.step(np.array([0, 0]))[4]["oracle_goal"][0].tolist() for _ in range(3)]
    assert goals == [[0.0, 0.2], [0.1, 0.1], [0.1, 0.1]]


def test_single_env_and_lane_share_the_seed_convention():
    _, batched = gym.make_vec("Plan2vec/CMaze-v0", num_envs=4).reset(seed=10)
    for lane in range(4):
        _, single = gym.make("Plan2vec/CMaze-v0").reset(seed=10 + lane)
        assert np.array_equal(single["oracle_position"], batched["oracle_position"][lane])
        assert np.array_equal(single["oracle_goal"], batched["oracle_goal"][lane])


def test_pictures_come_one_a_lane():
    env = gym.make_vec("Plan2vec/Table-v0", num_envs=2, render_mode="rgb_array")
    env.reset(seed=0)
    pictures = env.render()
    assert [picture.shape for picture in pictures] == [(320, 320, 3)] * 2
    assert not np.array_equal(*pictures)


@pytest.mark.parametrize(
    ("actions", "error"),
    [
        (np.array([0, 8]), "one of 0 to 7"),
        (np.array([0, -1]), "one of 0 to 7"),
        (np.array([0.0, 1.0]), "one integer"),
        (np.array([0]), "need 2 actions"),
        (np.array([[0], [1]]), "one integer"),
    ],
)
def test_wrong_actions_are_refused(actions, error):
    env = MazeVectorEnv("open", num_envs=2)
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match=error):
        env.step(actions)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"start": np.zeros((3, 2))}, "got shape"),
        ({"task": [0, 1, 2]}, "3 tasks for 2 environments"),
        ({"start": [(0.2, 0.2), (0.0, 0.0)]}, "'start' of environment 1"),
        ({"reset_mask": [True, False]}, "bool array"),
        ({"reset_mask": np.zeros(2, bool)}, "selects no lane"),
    ],
)
def test_wrong_batched_options_are_refused(options, error):
    env = MazeVectorEnv("table", num_envs=2)
    env.reset(seed=0)
    with pytest.raises(InvalidOptionError, match=error):
        env.reset(options=options)


def test_first_reset_must_start_every_lane():
    with pytest.raises(InvalidOptionError, match="first reset"):
        MazeVectorEnv("open", num_envs=2).reset(options={"reset_mask": np.array([True, False])})


def test_rows_of_lanes_that_do_not_start_are_not_looked_at():
    env = MazeVectorEnv("table", num_envs=2)
    env.reset(seed=0)
    start = np.array([(np.nan, np.nan), (0.2, 0.2)])
    _, info = env.reset(options={"start": start, "reset_mask": np.array([False, True])})
    assert info["oracle_position"][1].tolist() == [0.2, 0.2]


def test_step_before_reset_and_impossible_numbers_are_refused():
    with pytest.raises(gym.error.ResetNeeded):
        MazeVectorEnv("open", num_envs=2).step(np.array([0, 0]))
    with pytest.raises(InvalidOptionError, match="num_envs must be at least 1"):
        MazeVectorEnv("open", num_envs=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'same_step'"):
        MazeVectorEnv("open", num_envs=1, autoreset_mode="samestep")
