"""Rooms as geometry: what is free, what is blocked, and how the folder is loaded."""

from __future__ import annotations

import pkgutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label

import plan2vec_envs.rooms
from plan2vec_envs import ROOM_IDS, ROOMS, UnknownNameError, get_room
from plan2vec_envs.geometry import AGENT_HALF, CENTRE_HALF, STEP, Rect
from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.maze.tasks import draw_task

POINTS = st.tuples(st.floats(-0.24, 0.24), st.floats(-0.24, 0.24))
EVERY_ROOM = pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))


def test_every_file_of_the_folder_is_one_room():
    modules = {module.name for module in pkgutil.iter_modules(plan2vec_envs.rooms.__path__)}
    assert modules == set(ROOMS)


def test_rooms_are_listed_from_the_emptiest_to_the_fullest():
    blocked = [sum(rect.area for rect in room.obstacles) for room in ROOMS.values()]
    assert blocked == sorted(blocked)
    assert [room.env_id for room in ROOMS.values()] == list(ROOM_IDS)
    assert ROOM_IDS[:2] == ("Plan2vec/Open-v0", "Plan2vec/Table-v0")


def test_unknown_room_names_the_closest():
    with pytest.raises(UnknownNameError, match=r"unknown room 'cmaze'\. Did you mean 'c_maze'"):
        get_room("cmaze")


@EVERY_ROOM
def test_point_is_free_when_the_agents_square_overlaps_no_wall(room, rng):
    """Squares against rectangles, instead of a point against grown rectangles."""
    xy = rng.uniform(-0.28, 0.28, (4000, 2))
    overlaps = (np.abs(xy) + AGENT_HALF > 0.28).any(1)
    for rect in room.obstacles:
        low, high = rect.corners().min(0), rect.corners().max(0)
        overlaps |= ((xy + AGENT_HALF > low) & (xy - AGENT_HALF < high)).all(1)
    assert np.array_equal(room.is_free(xy), ~overlaps)


@pytest.mark.parametrize(
    ("room", "start_blocked"),
    [("table", lambda x, y: max(abs(x), abs(y)) < 0.09), ("c_maze", lambda x, y: x < 0.12 and abs(y) < 0.09)],
)
def test_starts_avoid_exactly_the_blocked_centre(room, start_blocked, rng):
    draws = np.array([draw_task(get_room(room), rng)[0] for _ in range(3000)])
    assert not any(start_blocked(x, y) for x, y in draws)
    # and they come right up to it
    assert np.abs(draws[:, 1][np.abs(draws[:, 0]) < 0.05]).min() == pytest.approx(0.09, abs=0.003)


def test_goals_keep_their_distance_from_the_obstacles(rng):
    goals = {name: np.array([draw_task(room, rng)[1] for _ in range(3000)]) for name, room in ROOMS.items()}
    x, y = goals["table"].T
    assert not ((np.abs(x) < 0.13) & (np.abs(y) < 0.11)).any()
    assert np.abs(goals["table"]).max() <= 0.23
    x, y = goals["c_maze"].T
    assert not ((x < 0.13) & (np.abs(y) < 0.11)).any()
    assert np.abs(goals["open"]).max() <= 0.20
    for name in ("four_rooms", "h_maze"):
        near = [rect.grow(AGENT_HALF + 0.0099) for rect in get_room(name).obstacles]
        assert not any(rect.contains(goals[name]).any() for rect in near)


@given(a=POINTS, b=POINTS)
@pytest.mark.parametrize("room", list(ROOMS.values())[1:], ids=list(ROOMS)[1:])
def test_segment_is_blocked_when_a_point_of_it_is(room, a, b):
    """Sampled densely: every blocked sample proves it, and a blocked segment has a sample nearby."""
    points = np.array(a) + np.linspace(0, 1, 2001)[:, None] * (np.array(b) - np.array(a))
    blocked = bool(room.segment_is_blocked(np.array([a]), np.array([b]))[0])
    deep = any(rect.grow(-1e-6).contains(points).any() for rect in room.blocked)
    near = any(rect.grow(1e-3).contains(points).any() for rect in room.blocked)
    assert deep <= blocked <= near


@given(a=POINTS, b=POINTS)
def test_segment_is_blocked_alike_from_both_ends(a, b):
    room = get_room("c_maze")
    ends = np.array([a]), np.array([b])
    assert room.segment_is_blocked(*ends) == room.segment_is_blocked(*ends[::-1])


def test_sliding_along_a_face_is_not_blocked():
    room = get_room("c_maze")
    assert not room.segment_is_blocked(np.array([(-0.2, 0.09)]), np.array([(0.2, 0.09)]))[0]
    assert room.segment_is_blocked(np.array([(-0.2, 0.0899)]), np.array([(0.2, 0.0899)]))[0]


@EVERY_ROOM
def test_nearest_free_place_is_the_closest_of_a_fine_grid(room, rng):
    xy = rng.uniform(-0.3, 0.3, (200, 2))
    line = np.linspace(-CENTRE_HALF, CENTRE_HALF, 193)  # 2.5 mm
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    grid = grid[room.is_free(grid)]
    brute = np.linalg.norm(xy[:, None] - grid, axis=-1).min(1)
    near = room.nearest_free(xy)
    assert room.is_free(near, tolerance=1e-9).all()
    found = np.linalg.norm(xy - near, axis=1)
    assert (found <= brute + 1e-9).all()
    assert (found >= brute - 0.004).all()  # the grid's diagonal


@EVERY_ROOM
def test_every_free_place_can_be_reached_from_every_other(room):
    """Flood fill by single steps of a centimetre; a door that an agent cannot pass would leave two pieces."""
    line = np.linspace(-0.24, 0.24, 49)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), -1)
    free = room.is_free(grid.reshape(-1, 2), tolerance=1e-9).reshape(49, 49)
    assert label(free)[1] == 1
    assert free[room.is_free(grid.reshape(-1, 2)).reshape(49, 49)].all()


@EVERY_ROOM
def test_obstacles_do_not_overlap_and_stay_inside_the_arena(room):
    """The frame adds up what they cover, so an overlap would be drawn twice."""
    for i, one in enumerate(room.obstacles):
        assert (np.abs(one.corners()) <= 0.28 + 1e-9).all()
        for other in room.obstacles[:i]:
            apart = np.abs(np.subtract(one[:2], other[:2])) >= np.add(one[2:], other[2:]) - 1e-9
            assert apart.any()


@pytest.mark.parametrize(
    ("room", "authors"),
    [
        # original XML: position and half extents, overlaps and all
        ("four_rooms", [(-0.1, 0.0, 0.18, 0.05), (-0.01, 0.07, 0.05, 0.07), (-0.01, -0.27, 0.05, 0.06)]),
        ("h_maze", [(-0.1, 0.0, 0.025, 0.1), (0.1, 0.0, 0.025, 0.1), (0.0, 0.0, 0.08, 0.025)]),
    ],
)
def test_trimmed_walls_block_what_the_authors_walls_block(room, authors, rng):
    xy = rng.uniform(-0.24, 0.24, (20_000, 2))
    blocked = np.any([Rect(*rect).grow(AGENT_HALF).contains(xy) for rect in authors], axis=0)
    assert np.array_equal(~get_room(room).is_free(xy), blocked)


def test_hideable_walls_are_obstacles():
    for room in ROOMS.values():
        assert set(room.hideable) <= set(room.obstacles)
    assert {"h_maze", "four_rooms"} <= {name for name, room in ROOMS.items() if room.hideable}


def test_the_pockets_of_the_h_and_the_ends_of_the_four_rooms_are_near_and_far_on_foot():
    """Golden: max(|dx|, |dy|) from corner to corner, over .0249167.

    HMaze, (0, .1) to (0, -.1): up to the post's corner (.035, .14), over it, down its far side, and back likewise:
    .04 + .13 + .28 + .13 + .04 = .62. FourRooms, (-.15, .15) to (-.15, -.15): .05 to (-.1, .18), .18 over the wall, .09
    to (.12, .09), .18 down the passage, and .27 straight through the southern door = .77.
    """
    for room, start, goal, metres in (
        ("h_maze", (0, 0.1), (0, -0.1), 0.62),
        ("four_rooms", (-0.15, 0.15), (-0.15, -0.15), 0.77),
    ):
        steps = GeodesicOracle(room).distance(np.array(start), np.array(goal))
        assert steps == pytest.approx(metres / STEP, abs=1e-6)


def test_rectangle_with_no_extent_of_its_own_is_crossed_nowhere():
    rect = Rect(0.0, 0.0, 0.0, 0.0)
    assert not rect.is_crossed(np.array([(-1.0, 0.0)]), np.array([(1.0, 0.0)]))[0]
