"""Walls that are there and not drawn."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence

from data_collection import make_dataset
from plan2vec_envs import FrameError, InvalidOptionError, get_room
from plan2vec_envs.maze.render import Renderer

HIDING = pytest.mark.parametrize("env_id", ["Plan2vec/FourRooms-v0", "Plan2vec/HMaze-v0"])
EAST = 6


def test_four_rooms_with_hidden_walls_looks_like_the_c_maze_and_is_not():
    there = np.array([(-0.13, 0.12), (0.2, -0.1)])
    hidden = Renderer(get_room("four_rooms"), hidden_walls=True).frames(there)
    assert np.array_equal(hidden, Renderer(get_room("c_maze")).frames(there))
    ends = {}
    for env_id, kwargs in (("Plan2vec/FourRooms-v0", {"hidden_walls": True}), ("Plan2vec/CMaze-v0", {})):
        env = gym.make(env_id, obs_type="state", **kwargs)
        env.reset(options={"start": (-0.15, 0.12), "goal": (0.2, -0.2)})
        ends[env_id] = [env.step(EAST)[-1]["oracle_position"][0] for _ in range(8)][-1]
    assert ends["Plan2vec/FourRooms-v0"] == pytest.approx(-0.1, abs=2e-4)
    assert ends["Plan2vec/CMaze-v0"] == pytest.approx(-0.15 + 8 * 0.0249167, abs=1e-6)


def test_the_h_maze_with_a_hidden_bar_shows_the_posts_alone():
    frame = Renderer(get_room("h_maze"), hidden_walls=True).frames(np.array([(0.2, 0.2)]))[0, 0]
    shown = Renderer(get_room("h_maze")).frames(np.array([(0.2, 0.2)]))[0, 0]
    changed = np.argwhere(frame != shown)
    metres = 0.613 / 64
    assert (np.abs(changed + 0.5 - 32) * metres <= np.array([0.025, 0.075]) + metres).all()  # rows are y
    assert len(changed) >= 0.15 * 0.05 / metres**2
    assert (frame[changed[:, 0], changed[:, 1]] < shown[changed[:, 0], changed[:, 1]]).all()


@HIDING
def test_poses_are_read_back_where_walls_are_hidden(env_id, rng):
    room = get_room(gym.spec(env_id).kwargs["room"])
    renderer = Renderer(room, hidden_walls=True)
    xy = rng.uniform(-0.24, 0.24, (500, 2))
    assert np.abs(renderer.decode(renderer.frames(xy)) - xy).max() < 1e-4
    with pytest.raises(FrameError, match="is not one agent"):
        renderer.decode(Renderer(room).frames(xy))


@HIDING
def test_single_and_batched_envs_agree_and_pass_the_checker(env_id):
    kwargs = {"hidden_walls": True, "goal": (0.2, 0.2)}
    check_env(gym.make(env_id, hidden_walls=True, render_mode="rgb_array").unwrapped)
    env, vector = gym.make(env_id, **kwargs), gym.make_vec(env_id, num_envs=1, **kwargs)
    single, batch = env.reset(seed=3), vector.reset(seed=3)
    for action in (7, 6, 4, 1, 0, 3, 7, 7):
        assert np.array_equal(single[0]["observation"], batch[0]["observation"][0])
        pair = single[0]["achieved_goal"], single[0]["desired_goal"]
        assert env.unwrapped.compute_reward(*pair, {}) in (0.0, -1.0)
        single, batch = env.step(action), vector.step(np.array([action]))
        assert single[1] == batch[1][0]


@HIDING
def test_spec_with_hidden_walls_survives_json(env_id):
    env = gym.make(env_id, hidden_walls=True)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert data_equivalence(env.reset(seed=5), again.reset(seed=5), exact=True)


@HIDING
def test_people_are_shown_the_hidden_walls(env_id):
    pictures = []
    for hidden_walls in (False, True):
        env = gym.make(env_id, hidden_walls=hidden_walls, render_mode="rgb_array")
        env.reset(seed=0)
        pictures.append(env.render())
    assert np.array_equal(*pictures)


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_rooms_without_hideable_walls_say_which_have_some(make):
    with pytest.raises(InvalidOptionError, match=r"'c_maze' has no walls to hide; rooms that have: h_maze, four_rooms"):
        make("Plan2vec/CMaze-v0", hidden_walls=True)


def test_datasets_with_and_without_hidden_walls_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path))
    shown, hidden, again = (
        make_dataset("Plan2vec/FourRooms-v0", size="20x3", hidden_walls=flag, progress=False)
        for flag in (False, True, True)
    )
    assert shown.fingerprint != hidden.fingerprint == again.fingerprint
    assert np.array_equal(shown.oracle_position, hidden.oracle_position)
    assert len(list(tmp_path.rglob("*.npz"))) == 2
