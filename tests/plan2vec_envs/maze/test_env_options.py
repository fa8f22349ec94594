"""Everything that can be said wrongly is answered with what would be right."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from plan2vec_envs import FrameError, InvalidActionError, InvalidOptionError, Plan2vecError, UnknownNameError
from plan2vec_envs.maze.env import MazeEnv


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"room": "cmaze"}, r"unknown room 'cmaze'\. Did you mean 'c_maze'\? Known: open, table, "),
        ({"room": "Open"}, "Did you mean 'open'"),
        ({"room": 3}, "unknown room 3. Known"),
        ({"obs_type": "images"}, "unknown obs_type 'images'. Did you mean 'image'"),
        ({"action_type": "discrete8"}, "unknown action_type 'discrete8'. Did you mean 'discrete"),
        ({"render_mode": "rgb"}, "unknown render_mode 'rgb'. Did you mean 'rgb_array'"),
    ],
)
def test_unknown_argument_names_the_closest(kwargs, error):
    with pytest.raises(UnknownNameError, match=error):
        MazeEnv(**kwargs)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"strat": (0.1, 0.1)}, "unknown reset option 'strat'. Did you mean 'start'"),
        ({"start": (0.0, 0.0)}, r"'start' \(0.0000, 0.0000\) is inside a wall of the room 'table'"),
        ({"goal": (0.05, 0.01)}, r"The nearest free position is \(0.0900, 0.0100\)"),
        ({"start": (0.5, 0.0)}, r"\|x\|, \|y\| <= 0.24 m .* is \(0.2400, 0.0000\)"),
        ({"start": (np.nan, 0.0)}, "need finite metres"),
        ({"start": (np.inf, 0.0)}, "need finite metres"),
        ({"start": (0.1, 0.1, 0.1)}, r"must be \(x, y\) in metres; got shape \(3,\)"),
        ({"goal": "east"}, r"must be \(x, y\) in metres, got 'east'"),
        ({"task": 0, "start": (0.2, 0.2)}, "leave out 'start' and 'goal'"),
    ],
)
def test_wrong_reset_option_is_refused(options, error):
    with pytest.raises(InvalidOptionError, match=error):
        MazeEnv("table").reset(options=options)


@pytest.mark.parametrize(
    ("task", "error"),
    [("west_to_est", "Did you mean 'west_to_east'"), (5, "has tasks 0 to 4, not 5"), (-1, "not -1"), (1.5, "1.5")],
)
def test_unknown_task_names_the_closest(task, error):
    with pytest.raises(UnknownNameError, match=error):
        MazeEnv("table").reset(options={"task": task})


def test_errors_are_caught_as_project_errors_and_as_builtins():
    assert issubclass(UnknownNameError, LookupError)
    for error in (InvalidOptionError, InvalidActionError, FrameError):
        assert issubclass(error, ValueError)
        assert issubclass(error, Plan2vecError)


def test_refused_reset_leaves_the_episode_as_it_was():
    env, undisturbed = MazeEnv("table"), MazeEnv("table")
    for each in (env, undisturbed):
        each.reset(seed=0)
    with pytest.raises(InvalidOptionError):
        env.reset(seed=5, options={"start": (0.0, 0.0)})
    assert np.array_equal(env.step(6)[0]["observation"], undisturbed.step(6)[0]["observation"])
    assert np.array_equal(env.reset()[1]["oracle_goal"], undisturbed.reset()[1]["oracle_goal"])


def test_options_are_left_as_they_are():
    start = np.array([0.2, 0.1])
    options = {"start": start, "goal": [0.1, 0.2], "task": None}
    env = MazeEnv("table")
    env.reset(options=options)
    env.step(0)
    assert list(options) == ["start", "goal", "task"]
    assert options["start"] is start
    assert start.tolist() == [0.2, 0.1]


def test_given_start_keeps_the_drawn_goal_a_step_away():
    env = MazeEnv("open")
    for seed in range(50):
        _, info = env.reset(seed=seed, options={"start": (0.1, 0.1)})
        assert info["oracle_position"].tolist() == [0.1, 0.1]
        assert np.linalg.norm(info["oracle_goal"] - 0.1) >= 0.0249167


def test_pose_that_the_physics_produced_can_be_a_start():
    env = MazeEnv("c_maze")
    env.reset(options={"start": (0.2, 0.2), "goal": (-0.2, 0.2)})
    for _ in range(5):
        *_, info = env.step(7)
    assert info["oracle_position"].max() > 0.24
    _, again = env.reset(options={"start": info["oracle_position"]})
    assert np.array_equal(again["oracle_position"], info["oracle_position"])


def test_goal_argument_fixes_the_goal_of_every_episode():
    env = gym.make("Plan2vec/CMaze-v0", goal=(0.2, -0.2))
    goals = [env.reset(seed=seed)[1]["oracle_goal"].tolist() for seed in range(3)]
    assert goals == [[0.2, -0.2]] * 3
    assert env.reset(options={"goal": (0.2, 0.2)})[1]["oracle_goal"].tolist() == [0.2, 0.2]
    with pytest.raises(InvalidOptionError, match=r"'goal' .* is inside a wall of the room 'c_maze'"):
        gym.make("Plan2vec/CMaze-v0", goal=(0.0, 0.0))


@pytest.mark.parametrize(
    ("action_type", "action", "error"),
    [
        ("discrete", 8, "one of 0 to 7"),
        ("discrete", -1, "one of 0 to 7"),
        ("discrete", 1.0, "one integer"),
        ("discrete", "north", "one integer"),
        ("discrete", None, "one integer"),
        ("discrete9", 9, "one of 0 to 8"),
        ("box", [0.1], "two numbers"),
        ("box", [0.1, np.nan], "not NaN"),
        ("box", [True, False], "two numbers"),
    ],
)
def test_action_outside_the_space_is_refused(action_type, action, error):
    env = MazeEnv("open", action_type=action_type)
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match=error):
        env.step(action)


def test_box_action_moves_two_steps_at_full_scale_and_is_clipped():
    env = MazeEnv("open", action_type="box")
    for action, expected in (([1, -1], (0.0498334, -0.0498334)), ([9, 0], (0.0498334, 0)), ([0.5, 0], (0.0249167, 0))):
        env.reset(options={"start": (0.0, 0.0), "goal": (0.2, 0.2)})
        *_, info = env.step(np.array(action, dtype=np.float32))
        assert info["oracle_position"] == pytest.approx(expected, abs=1e-9)


def test_discrete_actions_run_from_south_west_to_north_east_x_first():
    signs = []
    env = MazeEnv("open")
    for action in range(8):
        env.reset(options={"start": (0.0, 0.0), "goal": (0.2, 0.2)})
        signs.append(np.sign(np.round(env.step(action)[-1]["oracle_position"], 6)).astype(int).tolist())
    assert signs == [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]]


def test_reward_is_zero_and_the_episode_over_at_the_goal():
    env = MazeEnv("open")
    env.reset(options={"start": (0.0, 0.0), "goal": (0.06, 0.0)})
    assert env.step(6)[1:4] == (-1.0, False, False)
    _, reward, terminated, _, info = env.step(6)
    assert (reward, terminated, info["is_success"]) == (0.0, True, True)


def test_reward_of_images_that_are_not_of_this_room_is_refused():
    ours, theirs = MazeEnv("c_maze"), MazeEnv("open")
    goal, other = ours.render_state((0.2, 0.2)), theirs.render_state((0.2, 0.2))
    with pytest.raises(FrameError, match="room 'c_maze'"):
        ours.compute_reward(goal, other, {})
    with pytest.raises(FrameError, match="differ in shape"):
        ours.compute_reward(goal, goal[None], {})
    with pytest.raises(FrameError, match=r"\(B, 2\) finite"):
        MazeEnv("open", obs_type="state").compute_reward(np.array([np.nan, 0]), np.zeros(2), {})


def test_state_can_be_rendered_anywhere_in_view_and_nowhere_else():
    env = MazeEnv("c_maze")
    assert env.render_state((0.0, 0.0)).shape == (1, 64, 64)
    assert env.render_state(np.zeros((3, 2))).shape == (3, 1, 64, 64)
    assert MazeEnv("c_maze", obs_type="state").render_state([(0.1, 0.2)]).dtype == np.float32
    for wrong in ((0.3, 0.0), (np.nan, 0.0), (0.0,), np.zeros((2, 2, 2))):
        with pytest.raises(InvalidOptionError):
            env.render_state(wrong)


def test_step_and_render_before_reset_say_so():
    env = MazeEnv("open", render_mode="rgb_array")
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)
    with pytest.raises(gym.error.ResetNeeded):
        env.render()


def test_render_without_a_mode_warns_and_draws_nothing():
    env = MazeEnv("open")
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode='rgb_array'"):
        assert env.render() is None
