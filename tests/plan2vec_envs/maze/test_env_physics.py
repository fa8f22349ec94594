"""Golden dynamics: the numbers of the original simulation, and laws that hold on every step."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from plan2vec_envs import ROOMS, get_room
from plan2vec_envs.geometry import STEP, border
from plan2vec_envs.maze.physics import AGENTS_PER_SPACE, PymunkCrowd

EAST, NORTH, WEST, SOUTH = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]]) * STEP


def push(room, start, moves):
    """Where each of the moves ends: (T, 2)."""
    crowd = PymunkCrowd(get_room(room), 1)
    crowd.place(np.array([0]), np.array([start]))
    return np.array([crowd.step(np.array([move]))[0] for move in moves])


def depth(room, xy):
    """How far inside a wall each centre is, metres: (B,), at most 0 in free space."""
    deepest = (np.abs(xy) - 0.24).max(1)
    for rect in room.blocked:
        inside = np.minimum(rect.half_x - np.abs(xy[:, 0] - rect.x), rect.half_y - np.abs(xy[:, 1] - rect.y))
        deepest = np.maximum(deepest, inside)
    return deepest


def random_walk(room, num_agents, num_steps, rng):
    """Positions (T, B, 2), two thirds of the moves repeated, so that walls are pressed for a while."""
    crowd = PymunkCrowd(room, num_agents)
    xy = rng.uniform(-0.24, 0.24, (20 * num_agents, 2))
    crowd.place(np.arange(num_agents), xy[room.is_free(xy)][:num_agents])
    moves = STEP * rng.integers(-1, 2, (num_steps, num_agents, 2))
    for step in range(1, num_steps):
        keep = rng.random(num_agents) < 2 / 3
        moves[step, keep] = moves[step - 1, keep]
    return np.array([crowd.step(move) for move in moves])


@pytest.mark.parametrize("move", [EAST, NORTH, WEST, SOUTH])
def test_free_move_is_249_tenths_of_a_millimetre_along_an_axis(move):
    assert push("open", (0.0, 0.0), [move])[0] == pytest.approx(move, abs=1e-12)
    assert np.linalg.norm(push("open", (0.0, 0.0), [move])) == pytest.approx(0.0249167, abs=1e-9)


def test_free_diagonal_move_is_352_tenths_of_a_millimetre():
    assert np.linalg.norm(push("open", (0.0, 0.0), [EAST + NORTH])) == pytest.approx(0.0352, abs=5e-5)


def test_free_moves_leave_no_speed_behind():
    path = push("open", (0.0, 0.0), [EAST, 0 * EAST, 0 * EAST])
    assert np.array_equal(path[0], path[2])


@pytest.mark.parametrize(
    ("room", "start", "move", "rest"),
    [
        ("open", (0.2, 0.0), EAST, (0.24, 0.0)),
        ("open", (0.0, -0.2), SOUTH, (0.0, -0.24)),
        ("table", (0.12, 0.0), WEST, (0.09, 0.0)),
        ("table", (0.0, 0.12), SOUTH, (0.0, 0.09)),
        ("c_maze", (0.15, 0.0), WEST, (0.12, 0.0)),
        ("c_maze", (-0.1, 0.12), SOUTH, (-0.1, 0.09)),
        ("four_rooms", (-0.13, 0.12), EAST, (-0.1, 0.12)),
        ("four_rooms", (0.11, -0.2), WEST, (0.08, -0.2)),
        ("four_rooms", (0.0, 0.2), SOUTH, (0.0, 0.18)),
        ("h_maze", (0.0, 0.1), SOUTH, (0.0, 0.065)),
        ("h_maze", (0.0, 0.1), WEST, (-0.035, 0.1)),
        ("h_maze", (0.1, -0.17), NORTH, (0.1, -0.14)),
    ],
)
def test_two_pushes_into_a_wall_rest_on_its_face(room, start, move, rest):
    path = push(room, start, [move] * 6)
    assert path[1:] == pytest.approx(np.tile(rest, (5, 1)), abs=2e-4)


@pytest.mark.parametrize(
    ("room", "start", "into", "along", "axis"),
    [
        ("open", (0.2, 0.0), EAST, NORTH, 1),
        ("table", (0.13, -0.05), WEST, NORTH, 1),
        ("c_maze", (-0.15, 0.12), SOUTH, EAST, 0),
    ],
)
def test_pressed_diagonal_creeps_one_substep_a_step(room, start, into, along, axis):
    """Friction 1 holds the agent once it is pressed: of ten substeps only the first one slides."""
    path = push(room, start, [into + along] * 6)
    assert np.diff(path[2:, axis]) == pytest.approx(STEP / 10, abs=1e-5)


@pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))
def test_ten_thousand_steps_never_end_deep_inside_a_wall(room, rng):
    """At most one substep of 2.5 mm beyond the face, however the agent is pushed."""
    path = random_walk(room, num_agents=50, num_steps=200, rng=rng).reshape(-1, 2)
    assert depth(room, path).max() <= 0.0026
    assert depth(room, path).max() > 0  # the walk did press walls


def test_resting_agent_leaves_a_wall_freely():
    path = push("c_maze", (-0.1, 0.12), [SOUTH, SOUTH, SOUTH, NORTH])
    assert path[3] - path[2] == pytest.approx(NORTH, abs=2e-4)


@pytest.mark.parametrize("num_agents", [2, AGENTS_PER_SPACE, AGENTS_PER_SPACE + 1, 100])
def test_agents_do_not_feel_each_other(num_agents, rng):
    """All start at one place: every one moves, to the bit, as if it were alone."""
    room, moves = get_room("table"), STEP * rng.integers(-1, 2, (60, num_agents, 2))
    crowd = PymunkCrowd(room, num_agents)
    crowd.place(np.arange(num_agents), np.tile((0.11, 0.11), (num_agents, 1)))
    together = np.array([crowd.step(move) for move in moves])
    for agent in {0, num_agents // 2, num_agents - 1}:
        assert np.array_equal(together[:, agent], push("table", (0.11, 0.11), moves[:, agent]))


def test_placing_forgets_the_walls_that_were_touched(rng):
    """Cached contacts of an earlier episode must not leak into the next: the same bits as a new crowd."""
    room, crowd = get_room("c_maze"), PymunkCrowd(get_room("c_maze"), 3)
    crowd.place(np.arange(3), np.array([(0.2, 0.2), (0.2, -0.2), (-0.2, 0.2)]))
    for _ in range(4):
        crowd.step(np.tile(EAST + NORTH, (3, 1)))
    moves = STEP * rng.integers(-1, 2, (40, 3, 2))
    starts = np.array([(0.23, 0.23), (0.13, 0.0), (0.0, 0.1)])
    crowd.place(np.array([2, 0, 1]), starts[[2, 0, 1]])  # in any order
    fresh = PymunkCrowd(room, 3)
    fresh.place(np.arange(3), starts)
    for move in moves:
        assert np.array_equal(crowd.step(move), fresh.step(move))


def test_placing_one_agent_leaves_the_others_alone(rng):
    room = get_room("table")
    crowd, undisturbed = PymunkCrowd(room, 4), PymunkCrowd(room, 4)
    starts = np.array([(0.2, 0.2), (-0.2, 0.2), (0.2, -0.2), (-0.2, -0.2)])
    for each in (crowd, undisturbed):
        each.place(np.arange(4), starts)
    for move in STEP * rng.integers(-1, 2, (80, 4, 2)):
        crowd.place(np.array([1]), np.array([(0.0, 0.2)]))
        ours, theirs = crowd.step(move), undisturbed.step(move)
        assert np.array_equal(ours[[0, 2, 3]], theirs[[0, 2, 3]])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda crowd: pickle.loads(pickle.dumps(crowd))])
def test_duplicate_in_the_middle_of_contacts_continues_identically(duplicate, rng):
    room = get_room("c_maze")
    crowd = PymunkCrowd(room, 40)
    crowd.place(np.arange(40), np.tile((0.2, 0.15), (40, 1)))
    for move in STEP * rng.integers(0, 2, (20, 40, 2)):
        crowd.step(move)
        crowd.place(np.array([7]), np.array([(0.15, 0.1)]))  # shuffles pymunk's order of bodies
    twin = duplicate(crowd)
    for move in STEP * rng.integers(-1, 2, (40, 40, 2)):
        assert np.array_equal(crowd.step(move), twin.step(move))


def test_border_walls_close_the_arena():
    inner = max(-(rect.x + rect.half_x) for rect in border(0.02) if rect.x < 0)
    assert inner == pytest.approx(0.28)
    corners = np.concatenate([rect.corners() for rect in border(0.02)])
    assert np.abs(corners).max() == pytest.approx(0.30)
