"""Worlds of places and pictures as Gymnasium environments."""

from __future__ import annotations

import gymnasium as gym
import networkx as nx
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import plan2vec_envs
from plan2vec_envs.errors import InvalidActionError, InvalidOptionError, UnknownNameError
from plan2vec_envs.image_graph import WorldGraph, save_world
from plan2vec_envs.image_graph.distances import hops_from, metres_from


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAN2VEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _towards(env, place):
    """The action whose link leads to a place."""
    return int(np.flatnonzero(env.world.indices[env._links()] == place)[0])


def make(**kwargs):
    return gym.make(plan2vec_envs.STREET_ID, **{"world": "city-60", **kwargs})


@pytest.fixture
def photographed(tmp_path):
    """Four places in a square, one of them with two pictures, and a one-way link across: a file."""
    frames = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), np.uint8)
    links = [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2), (3, 0), (0, 3), (0, 2)]
    corners = [(0, 0), (0, 30), (40, 30), (40, 0)]
    world = WorldGraph.from_links(
        "square", np.array(links), np.array(corners), views=frames, view_places=[0, 1, 1, 2, 3]
    )
    return str(save_world(world, tmp_path / "square.npz")), world


@pytest.mark.parametrize("options", [{}, {"views": "novel"}, {"reward": "length"}, {"passes": 1, "max_hops": 5}])
def test_env_passes_the_checker_of_gymnasium(options):
    check_env(make(render_mode="rgb_array", **options).unwrapped, skip_render_check=True)


def test_env_passes_the_checker_of_stable_baselines3():
    sb3_check_env(make().unwrapped)


def test_two_runs_of_one_seed_are_equal():
    first, second = make(), make()
    for env in (first, second):
        env.action_space.seed(3)
    assert data_equivalence(first.reset(seed=4), second.reset(seed=4))
    for _ in range(40):
        action = first.action_space.sample()
        left, right = first.step(action), second.step(action)
        assert data_equivalence(left, right)
        if left[2]:
            break


def test_links_lead_where_the_graph_says_and_show_the_picture_that_was_looked_at(photographed):
    path, world = photographed
    env = make(world=path).unwrapped
    _, info = env.reset(seed=0, options={"start": 0, "goal": 3})
    assert info["action_mask"].tolist() == [1, 1, 1]
    ends = env.world.indices[env._links()]
    assert sorted(ends.tolist()) == world.neighbors(0).tolist() == [1, 2, 3]
    action = int(np.flatnonzero(ends == 2)[0])
    ahead = info["neighbor_observations"][action]
    observation, reward, terminated, truncated, info = env.step(action)
    assert info["oracle_place"] == 2
    np.testing.assert_array_equal(observation["observation"], ahead)
    assert (reward, terminated, truncated) == (-1.0, False, False)
    assert info["oracle_link_length"] == pytest.approx(50)
    observation, reward, terminated, *_ = env.step(_towards(env, 3))
    assert (reward, terminated) == (0.0, True)


def test_an_action_that_is_no_link_stays_and_is_masked(photographed):
    env = make(world=photographed[0]).unwrapped
    before, info = env.reset(seed=0, options={"start": 1, "goal": 3})
    assert info["action_mask"].tolist() == [1, 1, 0]
    assert not info["neighbor_observations"][2].any()
    after, reward, terminated, _, info = env.step(2)
    np.testing.assert_array_equal(before["observation"], after["observation"])
    assert (info["oracle_place"], info["oracle_link_length"], reward, terminated) == (1, 0.0, -1.0, False)


def test_a_one_way_link_cannot_be_driven_back(photographed):
    env = make(world=photographed[0]).unwrapped
    env.reset(seed=0, options={"start": 2, "goal": 0})
    for action in range(env.action_space.n):
        env.reset(seed=0, options={"start": 2, "goal": 0})
        *_, info = env.step(action)
        assert info["oracle_place"] in (1, 2, 3)


def test_the_reward_of_length_is_the_link_in_median_links(photographed):
    env = make(world=photographed[0], reward="length").unwrapped
    env.reset(seed=0, options={"start": 0, "goal": 3})
    _, reward, *_ = env.step(_towards(env, 2))
    lengths = [30, 30, 40, 40, 30, 30, 40, 40, 50]
    assert reward == pytest.approx(-50 / np.median(lengths))


@pytest.mark.parametrize("reward", ["step", "length"])
def test_computed_rewards_agree_with_steps_alone_and_in_batches(reward):
    env = make(reward=reward, max_hops=3).unwrapped
    env.action_space.seed(0)
    observation, info = env.reset(seed=1)
    rows, infos, rewards = [], [], []
    for _ in range(120):
        observation, got, terminated, _, info = env.step(env.action_space.sample(info["action_mask"]))
        rows.append((observation["achieved_goal"], observation["desired_goal"]))
        infos.append(info)
        rewards.append(got)
        assert env.compute_reward(*rows[-1], info) == got
        if terminated:
            observation, info = env.reset()
    achieved, desired = (np.stack(each) for each in zip(*rows, strict=True))
    np.testing.assert_array_equal(env.compute_reward(achieved, desired, infos), np.float32(rewards))
    if reward == "step":
        assert {-1.0, 0.0} == set(rewards)


def test_a_computed_reward_needs_what_it_is_made_of():
    env = make(reward="length").unwrapped
    observation, _ = env.reset(seed=0)
    with pytest.raises(InvalidOptionError, match=r"oracle_link_length.*copy_info_dict=True"):
        env.compute_reward(observation["achieved_goal"], observation["desired_goal"], {})
    env = make().unwrapped
    with pytest.raises(InvalidOptionError, match="none of this world's"):
        env.compute_reward(np.zeros((1, 64, 64), np.uint8), observation["desired_goal"], {})


def test_goals_are_within_the_hops_and_all_of_them_occur():
    env = make(max_hops=2).unwrapped
    graph = nx.DiGraph(env.world.links.tolist())
    near = set(nx.single_source_shortest_path_length(graph, 0, cutoff=2)) - {0}
    drawn = {env.reset(seed=seed, options={"start": 0})[1]["oracle_goal_place"] for seed in range(60)}
    assert drawn == near


def test_recorded_and_novel_views_differ_and_are_as_many_as_asked_for():
    recorded, novel = make(passes=3).unwrapped.views, make(views="novel").unwrapped.views
    assert recorded.counts(np.arange(60)).tolist() == [3] * 60
    assert novel.counts(np.arange(60)).tolist() == [2] * 60
    seen = {frame.tobytes() for frame in recorded.frames}
    assert len(seen) == 180
    assert not seen & {frame.tobytes() for frame in novel.frames}


def test_the_map_shows_agent_and_goal():
    env = make(render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (512, 512, 3)
    colors = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    assert {(31, 119, 220), (222, 51, 51)} <= colors


def test_near_is_twenty_metres(photographed):
    env = make(world=photographed[0]).unwrapped
    _, info = env.reset(seed=0, options={"start": 0, "goal": 1})
    assert not info["oracle_is_near"]
    *_, info = env.step(_towards(env, 1))
    assert info["oracle_is_near"]
    assert info["is_success"]


def test_a_reset_that_is_refused_changes_nothing():
    env = make().unwrapped
    env.reset(seed=0)
    place = env._place
    for options, words in (
        ({"start": 60}, "places are 0 to 59"),
        ({"goal": "north"}, "places are 0 to 59"),
        ({"strat": 1}, "Did you mean 'start'"),
        ({"start": 4, "goal": 4}, "need two places"),
    ):
        with pytest.raises(InvalidOptionError, match=words):
            env.reset(options=options)
    assert env._place == place


def test_bad_arguments_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'large'"):
        make(world="larg")
    with pytest.raises(InvalidOptionError, match="give a name, or the path"):
        make(world=np.zeros(3))
    with pytest.raises(UnknownNameError, match="Did you mean 'novel'"):
        make(views="nvel")
    with pytest.raises(InvalidOptionError, match="passes 0"):
        make(passes=0)
    with pytest.raises(InvalidOptionError, match="max_hops 0"):
        make(max_hops=0)
    env = make().unwrapped
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match="Discrete"):
        env.step(99)


def test_a_world_with_its_own_pictures_has_no_novel_ones(photographed):
    with pytest.raises(InvalidOptionError, match="brings its own pictures"):
        make(world=photographed[0], views="novel")


def test_distances_along_links_are_those_of_networkx():
    world = make().unwrapped.world
    graph = nx.DiGraph()
    for (a, b), length in zip(world.links.tolist(), world.lengths.tolist(), strict=True):
        graph.add_edge(a, b, length=length)
    metres = nx.single_source_dijkstra_path_length(graph, 7, weight="length")
    hops = nx.single_source_shortest_path_length(graph, 7)
    np.testing.assert_allclose(metres_from(world, 7), [metres[i] for i in range(60)], rtol=1e-6)
    np.testing.assert_array_equal(hops_from(world, 7), [hops[i] for i in range(60)])


def test_links_are_shuffled_by_the_world_once_for_all():
    """In order of places the first link of a made city leads north or west nine times in ten."""
    env, again = (make(world="city").unwrapped for _ in range(2))
    np.testing.assert_array_equal(env._turn, again._turn)
    first = env._turn[env.world.indptr[:-1]]
    ahead = env.world.oracle_position[env.world.indices[first]] - env.world.oracle_position
    assert 0.35 < (ahead[:, 0] > 0).mean() < 0.65


def test_a_link_between_places_at_one_coordinate_costs_something(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), np.uint8)
    links = np.array([(0, 1), (1, 0), (1, 2), (2, 1)])
    corners = np.array([(0, 0), (0, 0), (0, 30)])
    world = WorldGraph.from_links("twin", links, corners, views=frames, view_places=np.arange(3))
    env = make(world=str(save_world(world, tmp_path / "twin.npz")), reward="length").unwrapped
    env.reset(seed=0, options={"start": 0, "goal": 2})
    observation, reward, *_, info = env.step(0)
    assert reward < 0
    assert env.compute_reward(observation["achieved_goal"], observation["desired_goal"], info) == reward


def test_a_start_is_drawn_from_where_the_goal_can_be_reached(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), np.uint8)
    world = WorldGraph.from_links(
        "end", np.array([(0, 1), (1, 0), (1, 2)]), np.array([(0, 0), (0, 9), (0, 18)]),
        views=frames, view_places=np.arange(3),
    )  # fmt: skip
    env = make(world=str(save_world(world, tmp_path / "end.npz"))).unwrapped
    assert {env.reset(seed=seed, options={"goal": 0})[1]["oracle_place"] for seed in range(20)} == {1}
    with pytest.raises(InvalidOptionError, match="start 2: no link leads away"):
        env.reset(options={"start": 2, "goal": None})


@pytest.mark.parametrize("action", [0.7, "a", None, -1, 99, [0]])
def test_what_is_no_action_is_refused(action):
    env = make().unwrapped
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match="Discrete"):
        env.step(action)
