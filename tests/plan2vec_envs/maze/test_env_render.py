"""Frames: what is drawn, and that the pose can be read back from it."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan2vec_envs import ROOMS, FrameError, get_room
from plan2vec_envs.geometry import AGENT_HALF, border
from plan2vec_envs.maze.picture import picture
from plan2vec_envs.maze.render import AGENT, FLOOR, POSE_HALF, SIZE, VIEW_HALF, WALL, WALL_DRAWN, Renderer

EVERY_ROOM = pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))
COORDINATE = st.floats(-0.2426, 0.2426)
POSES = np.array([(0.2, 0.2), (-0.2, 0.15), (0.1831, -0.2113), (0.2401, 0.0)])


def sampled_frame(room, xy, factor=16):
    """The same picture by looking at factor^2 points in each pixel: greys (64, 64), not rounded."""
    line = (np.arange(SIZE * factor) + 0.5) / (SIZE * factor) * 2 * VIEW_HALF - VIEW_HALF
    x, y = np.meshgrid(line, -line)
    wall = np.zeros_like(x, dtype=bool)
    for rect in (*border(WALL_DRAWN), *room.obstacles):
        wall |= (np.abs(x - rect.x) < rect.half_x) & (np.abs(y - rect.y) < rect.half_y)

    def share(mask):
        return mask.reshape(SIZE, factor, SIZE, factor).mean((1, 3))

    background = FLOOR + (WALL - FLOOR) * share(wall)
    agent = share((np.abs(x - xy[0]) < AGENT_HALF) & (np.abs(y - xy[1]) < AGENT_HALF))
    return background + agent * (AGENT - background)


@EVERY_ROOM
def test_frame_agrees_with_a_picture_sampled_at_many_points(room):
    renderer = Renderer(room)
    for xy in POSES:
        frame = renderer.frames(xy[None])[0, 0]
        assert np.abs(frame - sampled_frame(room, xy)).max() < AGENT / 12  # the sampling's own error


@EVERY_ROOM
def test_agent_covers_exactly_its_area(room, rng):
    """Exact coverage: wherever the agent stands on the floor, its greys sum to its area."""
    renderer = Renderer(get_room("open"))
    frames = renderer.frames(rng.uniform(-0.2, 0.2, (500, 2))).astype(np.int64)
    empty = renderer._background.astype(np.int64)
    area = (2 * AGENT_HALF * SIZE / (2 * VIEW_HALF)) ** 2
    assert (frames - empty).sum((1, 2, 3)) / AGENT == pytest.approx(np.full(500, area), abs=0.08)


def test_row_zero_is_north_and_column_zero_is_west():
    frame = Renderer(get_room("open")).frames(np.array([(-0.2, 0.1)]))[0, 0]
    rows, columns = np.nonzero(frame == AGENT)
    assert rows.mean() < SIZE / 2 - 5
    assert columns.mean() < SIZE / 2 - 15


def test_greys_are_floor_0_walls_96_and_agent_255():
    frame = Renderer(get_room("c_maze")).frames(np.array([(0.2, 0.2)]))[0, 0]
    floor, wall, agent = frame[48, 32], frame[32, 16], frame[11, 52]
    assert (floor, wall, agent) == (0, 96, 255)


@EVERY_ROOM
def test_frames_have_not_changed(room, golden):
    """Any change of these pixels is a new version of the environment: bump the id, then run with --update."""
    frames = Renderer(room).frames(POSES)
    golden(room.name, hashlib.sha256(frames.tobytes()).hexdigest()[:16])


@EVERY_ROOM
def test_pose_is_read_back_within_a_tenth_of_a_millimetre(room, rng):
    renderer = Renderer(room)
    anywhere = rng.uniform(-0.2426, 0.2426, (3000, 2))
    at_walls = anywhere.copy()
    at_walls[:, 0] = rng.choice([-0.2401, 0.2401, 0.0899, 0.1199], 3000)
    for xy in (anywhere, at_walls, rng.uniform(-POSE_HALF, POSE_HALF, (3000, 2))):
        assert np.abs(renderer.decode(renderer.frames(xy)) - xy).max() < 1e-4


@given(x=COORDINATE, y=COORDINATE)
def test_any_pose_survives_the_round_trip(x, y):
    renderer = Renderer(get_room("c_maze"))
    assert renderer.decode(renderer.frames(np.array([(x, y)])))[0] == pytest.approx((x, y), abs=1e-4)


@EVERY_ROOM
def test_batch_is_drawn_and_read_like_single_frames_to_the_bit(room, rng):
    renderer = Renderer(room)
    xy = rng.uniform(-0.24, 0.24, (150, 2))
    frames = renderer.frames(xy)
    poses = renderer.decode(frames)
    for i in range(150):
        assert np.array_equal(frames[i], renderer.frames(xy[i : i + 1])[0])
        assert np.array_equal(poses[i], renderer.decode(frames[i : i + 1])[0])
    assert np.array_equal(poses, renderer.decode(frames, check=False))


@EVERY_ROOM
def test_frames_drawn_over_others_leave_nothing_of_them(room, rng):
    renderer = Renderer(room)
    xy = rng.uniform(-POSE_HALF, POSE_HALF, (300, 2))  # more than are drawn at once
    out = rng.integers(0, 256, (300, 1, SIZE, SIZE), np.uint8)
    assert renderer.frames(xy, out) is out
    assert np.array_equal(out, renderer.frames(xy))


def whole_line_middle(line, empty, inside):
    """The middle of the agent on one line of 64 greys, by fractions over the whole of it."""
    share = [
        Fraction(round(max(int(g) - int(e), 0) / (AGENT - int(e)) * 2**20), 2**20)
        for g, e in zip(line, empty, strict=True)
    ]
    return inside + sum(share[inside:]) / 2 - sum(share[:inside]) / 2


@EVERY_ROOM
def test_the_part_of_a_line_that_is_read_holds_all_of_the_agent(room, rng):
    """As exact sums over whole lines, the agent at the very edge of the view included."""
    renderer = Renderer(room)
    xy = rng.uniform(-POSE_HALF, POSE_HALF, (60, 2))
    xy[:20] = rng.choice([-POSE_HALF, POSE_HALF, 0.0], (20, 2))
    empty = renderer._background
    for frame, pose in zip(renderer.frames(xy)[:, 0], renderer.decode(renderer.frames(xy)), strict=True):
        row, column = next((r, c) for r in range(3, SIZE, 7) for c in range(3, SIZE, 7) if frame[r, c] == AGENT)
        x = whole_line_middle(frame[row], empty[row], column)
        y = whole_line_middle(frame[:, column], empty[:, column], row)
        pixel = 2 * VIEW_HALF / SIZE
        assert pose.tolist() == [float(x) * pixel - VIEW_HALF, VIEW_HALF - float(y) * pixel]


def test_empty_batch_is_drawn_and_read():
    renderer = Renderer(get_room("table"))
    frames = renderer.frames(np.empty((0, 2)))
    assert frames.shape == (0, 1, 64, 64)
    assert renderer.decode(frames).shape == (0, 2)


@EVERY_ROOM
def test_frame_without_an_agent_is_refused(room):
    renderer = Renderer(room)
    frames = renderer.frames(POSES)
    frames[2] = renderer._background
    with pytest.raises(FrameError, match=r"frame 2 of 4 shows no agent.*greys go from 0 to 96"):
        renderer.decode(frames)


@EVERY_ROOM
@pytest.mark.parametrize("offset", [(0.03, 0.0), (0.0, -0.1), (-0.3, -0.3)])
def test_frame_with_two_agents_is_refused(room, offset):
    renderer = Renderer(room)
    first = renderer.frames(np.array([(0.15, 0.15)]))
    second = renderer.frames(np.array([(0.15, 0.15)]) + offset)
    with pytest.raises(FrameError, match=r"frame 0 of 1 is not one agent in the room.*A second agent"):
        renderer.decode(np.maximum(first, second))


def test_frame_of_another_room_is_refused_and_the_frame_is_named():
    ours, theirs = Renderer(get_room("c_maze")), Renderer(get_room("table"))
    frames = np.concatenate([ours.frames(np.tile(POSES, (30, 1))), theirs.frames(POSES[:1])])
    with pytest.raises(FrameError, match="frame 120 of 121 is not one agent in the room 'c_maze'"):
        ours.decode(frames)


def test_noisy_frame_is_refused(rng):
    renderer = Renderer(get_room("open"))
    frames = renderer.frames(POSES)
    frames[1, 0, 30, 30] += 40
    with pytest.raises(FrameError, match=r"frame 1 of 4 .* pixel \(30, 30\) is 40 instead of 0"):
        renderer.decode(frames)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 1, 64, 64), np.float32),
        np.zeros((64, 64), np.uint8),
        np.zeros((2, 64, 64, 1), np.uint8),
    ],
)
def test_arrays_that_are_not_frames_are_refused(wrong):
    with pytest.raises(FrameError, match=r"must be \(B, 1, 64, 64\) uint8"):
        Renderer(get_room("open")).decode(wrong)


def test_picture_shows_the_agent_in_blue_and_the_goal_in_red():
    image = picture(get_room("c_maze"), np.array([-0.15, 0.15]), np.array([0.18, -0.18])).astype(int)
    red, green, blue = image.transpose(2, 0, 1)
    agent, goal = np.argwhere((blue > 180) & (red < 100)), np.argwhere((red > 180) & (green < 100))
    scale = 320 / (2 * VIEW_HALF)
    assert agent.mean(0) == pytest.approx(((VIEW_HALF - 0.15) * scale, (VIEW_HALF - 0.15) * scale), abs=1)
    assert goal.mean(0) == pytest.approx(((VIEW_HALF + 0.18) * scale, (VIEW_HALF + 0.18) * scale), abs=1)
