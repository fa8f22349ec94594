"""The rope: its physics as a function, how large a step of it is, its pictures."""

from __future__ import annotations

import hashlib

import gymnasium as gym
import numpy as np
import pytest

import plan2vec_envs
from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope import wander as wandering
from plan2vec_envs.rope.actions import RopeActions
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT
from plan2vec_envs.rope.physics import REACH, drag
from plan2vec_envs.rope.picture import draw_frames
from plan2vec_envs.rope.shape import LINK, NODES, PEG_RADIUS, PEGS, TETHER, peg_clearance
from plan2vec_envs.rope.wander import draw_nodes, wander

from ...rope_scale import measure_scale, straight

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


def test_random_drags_last_and_end_when_nothing_moves(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(wandering, "drag", lambda nodes, node, delta: nodes + 1.0)
    moving = wander(straight(), 800, rng)[1]
    changes = (np.diff(np.arctan2(moving[:, 2], moving[:, 1])) > 1e-6).mean() * 2
    assert 6 < 1 / changes < 11  # eight steps on average
    length = np.hypot(moving[:, 1], moving[:, 2])
    assert length.min() >= 0.5 - 1e-6
    assert length.max() <= 1 + 1e-6
    monkeypatch.setattr(wandering, "drag", lambda nodes, node, delta: nodes)
    stuck = wander(straight(), 100, rng)[1]
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
