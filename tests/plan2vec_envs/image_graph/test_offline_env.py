"""Recorded frames as an environment."""

from __future__ import annotations

import json
import pickle

import gymnasium as gym
import networkx as nx
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import plan2vec_envs
from plan2vec_envs.errors import CorruptFileError, InvalidOptionError, UnknownNameError
from plan2vec_envs.image_graph import WorldGraph, save_world, world_of_frames


def make(**kwargs):
    return gym.make(plan2vec_envs.ROPE_OFFLINE_ID, **kwargs)


@pytest.fixture
def recorded(tmp_path):
    """Two trajectories of four frames and an edge from the end of the first to the middle of the second; frame 6 looks
    like frame 2.
    """
    frames = np.random.default_rng(0).integers(0, 256, (8, 1, 8, 8), np.uint8)
    frames[6] = frames[2]
    world = world_of_frames("two", frames, [3, 3], np.array([(3, 5)]))
    return str(save_world(world, tmp_path / "two.npz")), world


def towards(env, place):
    """The action whose link leads to a place."""
    return int(np.flatnonzero(env.world.indices[env._links()] == place)[0])


def test_it_works_without_data():
    assert plan2vec_envs.ROPE_OFFLINE_ID in plan2vec_envs.ALL_ENV_IDS
    env = make()
    observation, info = env.reset(seed=0)
    assert observation in env.observation_space
    assert observation["observation"].shape == (1, 64, 64)
    assert env.spec.max_episode_steps == 200
    assert info["oracle_place"] != info["oracle_goal_place"]


@pytest.mark.parametrize("options", [{}, {"reward": "length"}, {"max_hops": 3}])
def test_env_passes_the_checker_of_gymnasium(options):
    check_env(make(render_mode="rgb_array", **options).unwrapped, skip_render_check=True)


def test_env_passes_the_checker_of_stable_baselines3():
    sb3_check_env(make().unwrapped)


def test_two_runs_of_one_seed_are_equal_and_another_seed_gives_another_task():
    first, second = make(), make()
    assert data_equivalence(first.reset(seed=4), second.reset(seed=4))
    first.action_space.seed(3)
    for _ in range(40):
        action = first.action_space.sample()
        left, right = first.step(action), second.step(action)
        assert data_equivalence(left, right)
        if left[2]:
            break
    assert len({make().reset(seed=seed)[1]["oracle_goal_place"] for seed in range(5)}) > 1


def test_the_mask_says_which_actions_are_links_and_where_they_lead():
    """Over all places of the default world: masked actions stay, the others show what was promised."""
    env = make().unwrapped
    world = env.world
    for place in range(0, world.num_places, 3):
        goal = (place + 60) % world.num_places
        for action in range(env.action_space.n):
            _, info = env.reset(seed=0, options={"start": place, "goal": goal})
            mask, around = info["action_mask"], info["neighbor_observations"]
            assert mask.dtype == np.int8
            assert mask.sum() == len(world.neighbors(place))
            observation, *_, info = env.step(action)
            if mask[action]:
                assert info["oracle_place"] in world.neighbors(place)
                np.testing.assert_array_equal(observation["observation"], around[action])
                np.testing.assert_array_equal(observation["observation"], world.views[info["oracle_place"]])
            else:
                assert info["oracle_place"] == place
                assert not around[action].any()


def test_walking_by_links_alone_reaches_every_goal():
    env = make().unwrapped
    graph = nx.DiGraph(env.world.links.tolist())
    for seed in range(10):
        _, info = env.reset(seed=seed)
        way = nx.shortest_path(graph, info["oracle_place"], info["oracle_goal_place"])
        for place in way[1:]:
            _, reward, terminated, truncated, info = env.step(towards(env, place))
        assert (reward, terminated, truncated, info["is_success"]) == (0.0, True, False, True)


def test_a_trajectory_is_left_by_a_given_edge_only(recorded):
    path, _ = recorded
    env = make(world=path).unwrapped
    reached = {env.reset(seed=s, options={"start": 4})[1]["oracle_goal_place"] for s in range(40)}
    assert reached == {5, 6, 7}
    _, info = env.reset(options={"start": 3, "goal": 7})
    assert info["action_mask"].tolist() == [1, 1]
    *_, info = env.step(towards(env, 5))
    assert info["oracle_place"] == 5


def test_a_goal_that_looks_the_same_counts(recorded):
    env = make(world=recorded[0]).unwrapped
    env.reset(options={"start": 1, "goal": 6})
    observation, reward, terminated, _, info = env.step(towards(env, 2))
    assert (reward, terminated, info["is_success"]) == (0.0, True, True)
    assert (info["oracle_place"], info["oracle_goal_place"]) == (2, 6)
    assert env.compute_reward(observation["achieved_goal"], observation["desired_goal"], info) == 0.0
    with pytest.raises(InvalidOptionError, match="start 2 and goal 6 show one picture"):
        env.reset(options={"start": 2, "goal": 6})
    pairs = {tuple(env.reset(seed=s)[1][key] for key in ("oracle_place", "oracle_goal_place")) for s in range(300)}
    assert not pairs & {(2, 6), (6, 2)}
    assert {(2, 5), (6, 5)} <= pairs


@pytest.mark.parametrize("reward", ["step", "length"])
def test_computed_rewards_agree_with_steps_alone_and_in_batches(reward, recorded):
    env = make(world=recorded[0], reward=reward).unwrapped
    env.action_space.seed(0)
    observation, info = env.reset(seed=1)
    rows, infos, rewards = [], [], []
    for _ in range(100):
        observation, got, terminated, _, info = env.step(env.action_space.sample())
        rows.append((observation["achieved_goal"], observation["desired_goal"]))
        infos.append(info)
        rewards.append(got)
        if terminated:
            observation, info = env.reset()
    achieved, desired = (np.stack(each) for each in zip(*rows, strict=True))
    np.testing.assert_array_equal(env.compute_reward(achieved, desired, infos), np.float32(rewards))


def test_nothing_is_said_in_metres(recorded):
    env = make(world=recorded[0]).unwrapped
    _, info = env.reset(seed=0, options={"start": 0, "goal": 3})
    assert "oracle_is_near" not in info
    assert env.world.about["positions"] == "layout"
    *_, info = env.step(towards(env, 1))
    assert info["oracle_link_length"] == 1.0


def test_the_map_shows_agent_and_goal():
    env = make(render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    colors = {tuple(color) for color in env.render().reshape(-1, 3).tolist()}
    assert {(31, 119, 220), (222, 51, 51)} <= colors


def test_a_spec_survives_json_and_an_env_a_pickle():
    env = make(max_hops=4)
    text = env.spec.to_json()
    json.loads(text)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(text))
    assert data_equivalence(env.reset(seed=5), again.reset(seed=5))
    copy = pickle.loads(pickle.dumps(env.unwrapped))
    assert data_equivalence(env.unwrapped.step(0), copy.step(0))


def test_a_world_is_a_name_or_a_path(recorded, tmp_path):
    path, world = recorded
    assert make(world=path).unwrapped.world.fingerprint == world.fingerprint
    assert make(world="rope").unwrapped.world.num_places == 120
    with pytest.raises(UnknownNameError, match="Did you mean 'rope'"):
        make(world="roep")
    with pytest.raises(InvalidOptionError, match="give a name, or the path"):
        make(world=np.zeros((3, 1, 64, 64), np.uint8))
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes((tmp_path / "two.npz").read_bytes()[:-50])
    with pytest.raises(CorruptFileError, match=r"damaged\.npz is truncated or damaged"):
        make(world=str(damaged))


def test_streets_and_places_of_several_pictures_are_refused(tmp_path):
    with pytest.raises(InvalidOptionError, match=r"'city-60' brings 0 pictures of 60 places.*plan2vec import --world"):
        make(world="city-60")
    frames = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), np.uint8)
    twice = WorldGraph.from_links(
        "twice", np.array([(0, 1), (1, 0)]), np.array([(0, 0), (0, 9)]), views=frames, view_places=[0, 0, 1]
    )
    with pytest.raises(InvalidOptionError, match="3 pictures of 2 places"):
        make(world=str(save_world(twice, tmp_path / "twice.npz")))


def test_a_world_without_a_move_is_refused(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), np.uint8)
    path = save_world(world_of_frames("still", frames, [0, 0, 0]), tmp_path / "still.npz")
    with pytest.raises(InvalidOptionError, match="has no links"):
        make(world=str(path))
