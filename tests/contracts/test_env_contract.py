"""What every registered room keeps, whichever it is: a new room is tested here unasked."""

from __future__ import annotations

import itertools
import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from plan2vec_envs import ROOM_IDS, InvalidOptionError, get_room
from plan2vec_envs.geometry import STEP, SUCCESS_RADIUS
from plan2vec_envs.maze.actions import ACTION_TYPES
from plan2vec_envs.maze.core import OBS_TYPES
from plan2vec_envs.maze.geodesic import GeodesicOracle

EVERY_ROOM = pytest.mark.parametrize("env_id", ROOM_IDS)
EVERY_VARIANT = pytest.mark.parametrize(
    ("env_id", "obs_type", "action_type"), list(itertools.product(ROOM_IDS, OBS_TYPES, ACTION_TYPES))
)


def rollout(env, num_steps, seed=0):
    """Yield (observation, reward, info) of random steps, over as many episodes as it takes."""
    env.action_space.seed(seed)
    env.reset(seed=seed)
    for _ in range(num_steps):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        yield observation, reward, terminated, info
        if terminated or truncated:
            env.reset()


@EVERY_VARIANT
def test_env_passes_the_checker_of_gymnasium(env_id, obs_type, action_type):
    env = gym.make(env_id, obs_type=obs_type, action_type=action_type, render_mode="rgb_array")
    check_env(env.unwrapped)


@EVERY_VARIANT
def test_env_passes_the_checker_of_stable_baselines3(env_id, obs_type, action_type):
    sb3_check_env(gym.make(env_id, obs_type=obs_type, action_type=action_type).unwrapped, warn=True)


@EVERY_VARIANT
def test_vector_env_offers_the_batched_spaces_of_the_single_one(env_id, obs_type, action_type):
    kwargs = {"obs_type": obs_type, "action_type": action_type}
    vector, single = gym.make_vec(env_id, num_envs=3, **kwargs), gym.make(env_id, **kwargs)
    assert vector.single_observation_space == single.observation_space
    assert vector.single_action_space == single.action_space
    observation, _ = vector.reset(seed=0)
    assert observation in vector.observation_space


@EVERY_ROOM
@pytest.mark.parametrize("obs_type", OBS_TYPES)
def test_step_reward_is_the_computed_reward_of_the_returned_observation(env_id, obs_type):
    env = gym.make(env_id, obs_type=obs_type)
    seen = set()
    for seed in range(4):
        for observation, reward, terminated, info in rollout(env, 150, seed):
            pair = observation["achieved_goal"], observation["desired_goal"]
            computed = env.unwrapped.compute_reward(*pair, info)
            assert type(computed) is float
            assert reward == computed
            assert terminated == info["is_success"] == (reward == 0)
            seen.add(reward)
    assert -1.0 in seen


@EVERY_ROOM
@pytest.mark.parametrize("obs_type", OBS_TYPES)
def test_computed_reward_of_a_batch_equals_that_of_its_rows(env_id, obs_type, rng):
    env = gym.make(env_id, obs_type=obs_type).unwrapped
    goal = rng.uniform(-0.2, 0.2, (200, 2))
    achieved = env.render_state(goal + rng.uniform(-0.03, 0.03, (200, 2)))
    desired = env.render_state(goal)
    rewards = env.compute_reward(achieved, desired, [{}] * 200)
    assert rewards.shape == (200,)
    assert set(rewards) == {0.0, -1.0}
    singles = [env.compute_reward(a, d, {}) for a, d in zip(achieved, desired, strict=True)]
    assert rewards.tolist() == singles


@EVERY_ROOM
def test_success_means_within_the_radius_of_the_true_goal(env_id):
    env = gym.make_vec(env_id, num_envs=64)
    env.reset(seed=1)
    env.action_space.seed(1)
    successes = 0
    for _ in range(120):
        info = env.step(env.action_space.sample())[-1]
        if "is_success" not in info:  # every lane was truncated at once, and only reset
            continue
        distance = np.linalg.norm(info["oracle_position"] - info["oracle_goal"], axis=1)
        clear = np.abs(distance - SUCCESS_RADIUS) > 1e-4  # what a frame shows is that precise
        judged = clear & info["_is_success"]
        assert np.array_equal(info["is_success"][judged], distance[judged] < SUCCESS_RADIUS)
        successes += int(info["is_success"].sum())
    assert successes > 10


@EVERY_ROOM
def test_same_seed_gives_the_same_episode_whatever_came_before(env_id):
    env, other = gym.make(env_id), gym.make(env_id)
    for _ in rollout(other, 77, seed=3):  # another past, ending in the middle of an episode
        pass
    for left, right in zip(rollout(env, 120), rollout(other, 120), strict=True):
        assert data_equivalence(left, right, exact=True)


@EVERY_ROOM
def test_another_seed_gives_another_start_and_goal(env_id):
    env = gym.make(env_id)
    first, second = (env.reset(seed=seed)[1] for seed in (0, 1))
    assert not np.allclose(first["oracle_position"], second["oracle_position"])
    assert not np.allclose(first["oracle_goal"], second["oracle_goal"])


@EVERY_ROOM
def test_pickled_env_continues_identically(env_id):
    env = gym.make(env_id).unwrapped
    env.reset(seed=0)
    for _ in range(12):
        env.step(7)  # into the corner, so that contacts are under way
    copy = pickle.loads(pickle.dumps(env))
    for action in [7, 7, 6, 4, 1, 7, 7, 0, 3]:
        assert data_equivalence(env.step(action), copy.step(action), exact=True)
    assert data_equivalence(env.reset(), copy.reset(), exact=True)


@EVERY_ROOM
def test_spec_survives_json(env_id):
    env = gym.make(env_id, goal=(0.2, -0.2), obs_type="state")
    text = env.spec.to_json()
    json.loads(text)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(text))
    assert data_equivalence(env.reset(seed=5), again.reset(seed=5), exact=True)


@EVERY_ROOM
def test_returned_arrays_belong_to_the_caller(env_id):
    """Painting over everything that was returned changes nothing that follows."""
    careful, careless = gym.make(env_id), gym.make(env_id)
    expected, returned = careful.reset(seed=0), careless.reset(seed=0)
    for action in (7, 0, 4, 6, 1, 3):
        for array in (*returned[0].values(), *(v for v in returned[-1].values() if isinstance(v, np.ndarray))):
            array[...] = 0
        expected, returned = careful.step(action), careless.step(action)
        assert data_equivalence(expected, returned, exact=True)


@EVERY_ROOM
def test_draws_start_and_end_in_free_space_at_least_a_step_apart(env_id):
    env = gym.make_vec(env_id, num_envs=500, obs_type="state")
    room = env.unwrapped.room
    _, info = env.reset(seed=0)
    start, goal = info["oracle_position"], info["oracle_goal"]
    assert room.is_free(start).all()
    assert room.is_free(goal).all()
    assert (np.linalg.norm(start - goal, axis=1) >= STEP).all()
    for xy, low, high in ((start, room.start_low, room.start_high), (goal, room.goal_low, room.goal_high)):
        assert xy.min() == pytest.approx(low, abs=0.01)
        assert xy.max() == pytest.approx(high, abs=0.01)


@EVERY_ROOM
def test_room_has_five_tasks_that_can_be_solved_in_an_episode(env_id):
    room = gym.make(env_id).unwrapped.room
    assert len(room.tasks) == 5
    start, goal = np.array(list(room.tasks.values())).transpose(1, 0, 2)
    assert room.is_free(start).all()
    assert room.is_free(goal).all()
    least = GeodesicOracle(room).least_steps(start, goal)
    assert (least > 1).all()
    assert (least <= 40).all()


@EVERY_ROOM
def test_task_option_sets_start_and_goal_by_name_and_by_number(env_id):
    env = gym.make(env_id)
    for number, (name, (start, goal)) in enumerate(env.unwrapped.room.tasks.items()):
        for task in (name, number, np.int64(number)):
            _, info = env.reset(options={"task": task})
            assert info["oracle_position"].tolist() == list(start)
            assert info["oracle_goal"].tolist() == list(goal)


@EVERY_ROOM
def test_goal_image_is_the_view_from_the_goal(env_id):
    env = gym.make(env_id)
    observation, info = env.reset(seed=4)
    assert np.array_equal(observation["desired_goal"], env.unwrapped.render_state(info["oracle_goal"]))
    assert np.array_equal(observation["observation"], env.unwrapped.render_state(info["oracle_position"]))
    assert np.array_equal(observation["observation"], observation["achieved_goal"])


@EVERY_ROOM
def test_episode_is_truncated_after_fifty_steps(env_id):
    start, goal = next(iter(get_room(gym.spec(env_id).kwargs["room"]).tasks.values()))
    env = gym.make(env_id, action_type="discrete9")
    env.reset(options={"start": start, "goal": goal})
    ends = [env.step(4)[2:4] for _ in range(50)]
    assert ends == [(False, False)] * 49 + [(False, True)]


@EVERY_ROOM
def test_start_inside_the_border_is_refused_with_the_nearest_free_place(env_id):
    with pytest.raises(InvalidOptionError, match=r"\(0\.2700, 0\.2000\) is inside a wall .* \(0\.2400, 0\.2000\)"):
        gym.make(env_id).reset(options={"start": (0.27, 0.2)})


@EVERY_ROOM
def test_make_by_module_name_gives_the_same_id(env_id):
    assert gym.make(f"plan2vec_envs:{env_id}").spec.id == env_id


@pytest.mark.filterwarnings("ignore:.*The HumanRendering wrapper is being applied")
@EVERY_ROOM
def test_picture_is_rgb_and_a_window_opens_for_people(env_id):
    env = gym.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (320, 320, 3)
    assert picture.dtype == np.uint8
    window = gym.make(env_id, render_mode="human")
    window.reset(seed=0)
    window.step(0)
    window.close()
