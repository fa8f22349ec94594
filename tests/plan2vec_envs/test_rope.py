"""The rope: its physics as a function, its pictures, and the environment."""

from __future__ import annotations

import hashlib
import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import plan2vec_envs
from plan2vec_envs.errors import InvalidActionError, InvalidOptionError, UnknownNameError
from plan2vec_envs.rope import mean_displacement, measure_scale, memory, node_displacement
from plan2vec_envs.rope.actions import RopeActions, link_share
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT, RopeEnv
from plan2vec_envs.rope.physics import REACH, drag
from plan2vec_envs.rope.picture import draw_frames
from plan2vec_envs.rope.shape import LINK, NODES, PEG_RADIUS, PEGS, TETHER, peg_clearance, straight
from plan2vec_envs.rope.wander import RandomDrags, draw_nodes, wander

TIP = NODES - 1


def make(**kwargs):
    return gym.make(plan2vec_envs.ROPE_ID, **kwargs)


def mirrored(nodes):
    return nodes * [-1, 1] + [64, 0]


@pytest.fixture(scope="module")
def played():
    """Four sequences (4, 201, 22, 2) of random drags, from random configurations, and their actions (4, 200, 3)."""
    runs = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        runs.append(wander(draw_nodes(rng), 200, rng))
    return np.stack([nodes for nodes, _ in runs]), np.stack([actions for _, actions in runs])


# Physics


def test_same_action_in_the_same_state_gives_the_same_bits_whatever_came_before(played):
    nodes, actions = played
    read = RopeActions("box").read
    rng = np.random.default_rng(0)
    for _ in range(40):
        run, step = int(rng.integers(4)), int(rng.integers(200))
        again = drag(nodes[run, step].copy(), *read(actions[run, step]))
        np.testing.assert_array_equal(again, nodes[run, step + 1])


def test_links_keep_their_length(played):
    lengths = np.linalg.norm(np.diff(played[0], axis=2), axis=-1)
    assert np.abs(lengths / LINK - 1).max() < 0.04
    assert np.abs(lengths.sum(-1) / (LINK * TIP) - 1).max() < 0.005


def test_tether_never_moves(played):
    assert (played[0][:, :, 0] == TETHER).all()


def test_rope_stays_off_pegs_and_in_the_arena(played):
    nodes = played[0]
    assert np.linalg.norm(nodes[..., None, :] - np.array(PEGS), axis=-1).min() > PEG_RADIUS + 0.9  # half the rope is 1
    assert peg_clearance(nodes).min() > 0.7  # between nodes a bent rope comes a little nearer
    assert nodes.min() > 2 - 0.1
    assert nodes.max() < 62 + 0.1


def test_pegs_are_met(played):
    """Without contact the laws above would say nothing."""
    assert peg_clearance(played[0]).min() < 1.05


def test_mirrored_drags_of_a_mirrored_rope_give_the_mirrored_rope():
    """Table, pegs and tether are symmetric about x = 32, and nothing in the engine prefers a side."""
    nodes = other = straight()
    for node, dx, dy in [(14, 2.0, 0.0)] * 4 + [(21, -1.0, -2.0)] * 12 + [(7, -2.0, 0.5)] * 4:
        nodes = drag(nodes, node, np.array([dx, dy]))
        other = drag(other, node, np.array([-dx, dy]))
        np.testing.assert_allclose(mirrored(other), nodes, atol=1e-9)


def test_a_straight_rope_lies_still_and_a_taut_one_does_not_stretch():
    nodes = straight()
    np.testing.assert_array_equal(drag(nodes, 0, np.zeros(2)), nodes)
    np.testing.assert_allclose(drag(nodes, TIP, np.array([0, REACH])), nodes, atol=0.05)


def test_a_free_tip_follows_the_hand_on_a_circle_and_the_far_rope_hardly_notices():
    before = straight()
    after = drag(before, TIP, np.array([REACH, 0.0]))
    assert after[TIP, 0] - 32 == pytest.approx(REACH, abs=0.15)
    assert after[TIP, 1] < before[TIP, 1]  # the length is kept
    np.testing.assert_allclose(after[:11], before[:11], atol=0.02)


def test_a_bent_rope_straightens_when_left_alone():
    nodes = straight()
    for _ in range(12):
        nodes = drag(nodes, 14, np.array([2.0, 0.0]))

    def sharpest(nodes):
        along = np.diff(nodes, axis=0)
        headings = np.arctan2(along[:, 1], along[:, 0])
        return np.abs(np.diff(headings)).max()

    bent = sharpest(nodes)
    for _ in range(40):
        nodes = drag(nodes, 0, np.zeros(2))
    assert sharpest(nodes) < bent / 3


def test_the_hand_stays_in_the_arena():
    nodes = straight()
    for _ in range(40):
        nodes = drag(nodes, TIP, np.array([-REACH, -REACH]))
    assert nodes[TIP].min() > 1.9
    assert nodes[TIP].max() < 30


def test_drags_follow_the_golden_states():
    """Of pymunk 7.3 on x86; the tolerance is for other compilers."""
    nodes = straight()
    for node, delta in [(14, (2.0, 0.0))] * 4 + [(TIP, (-1.0, -2.0))] * 4:
        nodes = drag(nodes, node, np.array(delta))
    golden = [[33.97601229, 20.25133547], [39.38815949, 34.4516452], [27.84259916, 40.20658547]]
    np.testing.assert_allclose(nodes[[7, 14, TIP]], golden, atol=1e-4)


# Scale


def test_displacements_of_a_worked_example():
    a = np.zeros((3, 2))
    b = np.array([[0, 0], [3, 4], [0, 1]])
    assert node_displacement(a, b) == 5
    assert mean_displacement(a, b) == 2
    assert node_displacement(np.stack([a, b]), b).tolist() == [5, 0]


def test_scale_of_two_lines_side_by_side():
    """Frames a pixel apart on two lines three pixels apart: steps are 1, closures 3."""
    nodes = np.zeros((20, 1, 2))
    nodes[:, 0, 0], nodes[10:, 0, 1] = np.tile(np.arange(10), 2), 3
    scale = measure_scale(nodes, np.repeat([0, 1], 10), rng=np.random.default_rng(0))
    assert scale.step == (1, 1)
    assert scale.closure == (3, 3, 3)
    assert 3 < scale.pair < 5
    assert "one step 1.00, 95 % below 1.00" in str(scale)


def test_steps_are_small_beside_random_pairs(played):
    nodes = played[0].reshape(-1, NODES, 2)
    scale = measure_scale(nodes, np.repeat(np.arange(4), 201), rng=np.random.default_rng(0), num_frames=50)
    assert scale.pair >= 15
    assert 1 < scale.step[1] <= 3
    assert 2 * scale.step[1] == pytest.approx(SUCCESS_DISPLACEMENT, abs=0.5)


def test_random_configurations_are_far_apart_and_possible():
    rng = np.random.default_rng(0)
    nodes = np.stack([draw_nodes(rng) for _ in range(30)])
    apart = node_displacement(nodes[:, None], nodes)[np.triu_indices(30, 1)]
    assert np.median(apart) >= 15
    make().unwrapped.render_state(nodes)  # refuses what cannot be


def test_random_drags_last_and_end_when_nothing_moves():
    policy = RandomDrags(np.random.default_rng(0))
    moving = np.stack([policy.act(1.0) for _ in range(800)])
    changes = (np.diff(np.arctan2(moving[:, 2], moving[:, 1])) > 1e-6).mean() * 2
    assert 6 < 1 / changes < 11  # eight steps on average
    length = np.hypot(moving[:, 1], moving[:, 2])
    assert length.min() >= 0.5 - 1e-6
    assert length.max() <= 1 + 1e-6
    stuck = np.stack([policy.act(0.0) for _ in range(100)])
    assert len(np.unique(np.arctan2(stuck[:, 2], stuck[:, 1]).round(5))) == 100


# Pictures


def test_greys_are_floor_pegs_and_a_rope_that_gets_brighter(played):
    nodes = played[0][:, ::10].reshape(-1, NODES, 2)
    frames = draw_frames(nodes)
    assert frames.shape == (len(nodes), 1, 64, 64)
    assert frames.dtype == np.uint8
    (frame,) = draw_frames(straight()[None])[0]
    assert (np.median(frame), frame[30, 20], frame[30, 44], frame.max()) == (0, 96, 96, 255)
    # Pixels under the nodes: two columns share the rope, which is two pixels thick.
    along = np.array([frame[int(y), 31:33].max() for _, y in straight()]).astype(int)
    assert along[0] == pytest.approx(128, abs=12)
    assert (np.diff(along) >= 0).all()
    assert along[-1] == 255


def test_picture_is_where_the_nodes_are():
    """The centroid of what differs from the empty table is that of the rope, for a rope of one grey."""
    for shift in (0.0, 0.25, 0.5, 0.75):
        moved = straight() + shift
        frame = draw_frames(moved[None], ordered=False)[0, 0].astype(float)
        frame[27:34, 15:25] = frame[27:34, 39:49] = 0  # the pegs
        rows, columns = np.indices(frame.shape) + 0.5
        centroid = (frame * columns).sum() / frame.sum(), (frame * rows).sum() / frame.sum()
        np.testing.assert_allclose(centroid, moved.mean(0), atol=0.06)
        assert frame.sum() / 255 == pytest.approx(2 * LINK * TIP, rel=0.1)  # two pixels thick


def test_only_the_ordered_rope_shows_which_end_is_which():
    """The same line, once from the tether and once from the tip."""
    nodes = straight()
    backwards = nodes[::-1]
    plain = draw_frames(np.stack([nodes, backwards]), ordered=False)
    ordered = draw_frames(np.stack([nodes, backwards]), ordered=True)
    assert np.abs(plain[0].astype(int) - plain[1]).max() <= 8  # rounding of the line's ends
    assert np.abs(ordered[0].astype(int) - ordered[1]).max() > 80


def test_pictures_are_the_golden_ones():
    """Of OpenCV 5.0, looked at and then frozen: a change is another version of the world."""
    bend = np.cumsum(np.linspace(-0.1, 0.25, TIP))
    curve = np.cumsum(LINK * np.stack([np.sin(bend), np.cos(bend)], axis=1), axis=0)
    pair = np.stack([straight(), np.concatenate([[TETHER], curve + TETHER]).round(2)])
    hashes = [hashlib.sha256(draw_frames(pair, ordered).tobytes()).hexdigest()[:16] for ordered in (True, False)]
    assert hashes == ["a739c881602a841a", "f2ceaade337f1683"]


@pytest.mark.filterwarnings("ignore:.*The HumanRendering wrapper is being applied")
def test_colour_picture_shows_rope_goal_and_drag_and_a_window_opens():
    env = make(render_mode="rgb_array")
    env.reset(seed=0)
    env.step(np.array([0.0, 1.0, 0.0], np.float32))
    picture = env.render()
    assert picture.shape == (512, 512, 3)
    assert picture.dtype == np.uint8
    colors = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    assert {(31, 119, 220), (222, 51, 51), (240, 178, 172), (250, 160, 40)} <= colors
    window = make(render_mode="human")
    window.reset(seed=0)
    window.step(window.action_space.sample())
    window.close()


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
    policy = RandomDrags(np.random.default_rng(0))
    for _ in range(60):
        observation, reward, *_, info = env.step(policy.act(1.0))
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
    monkeypatch.setattr(memory, "REMEMBERED", 3)
    kept = memory.FrameMemory()
    frames = [np.full((1, 64, 64), grey, np.uint8) for grey in range(5)]
    for frame in (*frames[:3], frames[0], frames[3], frames[4]):
        kept.remember(frame, np.full((NODES, 2), float(frame[0, 0, 0])))
    assert len(kept) == 3
    assert [kept.look_up(frames[grey])[0, 0] for grey in (0, 3, 4)] == [0, 3, 4]
    for grey in (1, 2):
        with pytest.raises(InvalidOptionError, match="none of the last 3"):
            kept.look_up(frames[grey])


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
