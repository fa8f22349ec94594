"""The walking distance, against a closed form, a lattice, and what the physics really allows."""

from __future__ import annotations

import itertools

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from plan2vec_envs import ROOMS, get_room
from plan2vec_envs.geometry import CENTRE_HALF, STEP, SUCCESS_RADIUS
from plan2vec_envs.maze.actions import Actions
from plan2vec_envs.maze.geodesic import GeodesicOracle

EVERY_ROOM = pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))
POINTS = st.tuples(st.floats(-0.24, 0.24), st.floats(-0.24, 0.24))


def free_points(room, count, rng):
    xy = rng.uniform(-CENTRE_HALF, CENTRE_HALF, (4 * count, 2))
    return xy[room.is_free(xy)][:count]


def lattice_distances(room, sources, parts):
    """Steps from some lattice points to all, by eight moves of 1/parts step: (points, sources, steps)."""
    spacing = STEP / parts
    half = int(CENTRE_HALF / spacing)
    line = spacing * np.arange(-half, half + 1)
    points = np.stack(np.meshgrid(line, line, indexing="ij"), -1)
    size = len(line)
    free = room.is_free(points)
    number = np.arange(size * size).reshape(size, size)
    edges = []
    for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
        here = (slice(None, -1 if dx else None), slice(1 if dy < 0 else None, -1 if dy > 0 else None))
        there = (slice(1 if dx else None, None), slice(1 if dy > 0 else None, -1 if dy < 0 else None))
        open_way = free[here] & free[there] & ~room.segment_is_blocked(points[here], points[there])
        edges.append(np.stack([number[here][open_way], number[there][open_way]]))
    a, b = np.concatenate(edges, axis=1)
    graph = coo_array((np.full(len(a), 1 / parts), (a, b)), shape=(size * size,) * 2).tocsr()
    points = points.reshape(-1, 2)
    nearest = np.array([np.argmin(np.abs(points - xy).max(1) + 10 * ~free.ravel()) for xy in sources])
    return points[free.ravel()], points[nearest], dijkstra(graph, directed=False, indices=nearest)[:, free.ravel()]


def test_distance_in_the_open_room_is_the_larger_of_both_differences(rng):
    a, b = rng.uniform(-0.24, 0.24, (2, 500, 2))
    expected = np.abs(a - b).max(1) / STEP
    assert GeodesicOracle("open").distance(a, b) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("parts", "tolerance"), [(4, 0.5), (16, 0.125)])
@pytest.mark.parametrize("room", [get_room("table"), get_room("c_maze")], ids=["table", "c_maze"])
def test_distance_is_the_limit_of_a_finer_and_finer_lattice(room, parts, tolerance, rng):
    """A lattice cannot be shorter than the taut way, and loses at most its spacing at each corner."""
    points, sources, lattice = lattice_distances(room, free_points(room, 6, rng), parts)
    oracle = GeodesicOracle(room)
    for source, steps in zip(sources, lattice, strict=True):
        excess = steps - oracle.distance(source, points)
        assert excess.min() > -1e-9
        assert excess.max() <= tolerance


def test_way_round_the_wall_goes_through_the_passage():
    """By hand: .32 m east along the corridor and up to the corner, .18 m past the end, .32 m back west."""
    steps = GeodesicOracle("c_maze").distance((-0.2, 0.15), (-0.2, -0.15))[0]
    assert steps == pytest.approx((0.32 + 0.18 + 0.32) / STEP, rel=1e-9)


@given(a=POINTS, b=POINTS, c=POINTS)
@pytest.mark.parametrize("room", [get_room("table"), get_room("c_maze")], ids=["table", "c_maze"])
def test_distance_is_a_metric(room, a, b, c):
    oracle = GeodesicOracle(room)
    a, b, c = room.nearest_free(np.array([a, b, c]))
    assert oracle.distance(a, a) == 0
    assert oracle.distance(a, b) == pytest.approx(oracle.distance(b, a))
    assert oracle.distance(a, b)[0] <= (oracle.distance(a, c) + oracle.distance(c, b))[0] + 1e-9
    assert oracle.distance(a, b)[0] >= np.abs(a - b).max() / STEP - 1e-9


@EVERY_ROOM
def test_one_goal_is_that_of_all(room, rng):
    oracle, xy = GeodesicOracle(room), free_points(room, 100, rng)
    goal = xy[0].copy()
    assert np.array_equal(oracle.distance(xy, goal), oracle.distance(xy, np.tile(goal, (100, 1))))


def test_point_inside_a_wall_is_infinitely_far_and_one_pressed_into_it_is_not():
    oracle = GeodesicOracle("c_maze")
    assert oracle.distance((-0.1, 0.0), (0.2, 0.0))[0] == np.inf
    pressed, on_the_face = (oracle.distance((-0.1, y), (-0.1, -0.2))[0] for y in (0.0899, 0.09))
    assert pressed == pytest.approx(on_the_face, abs=0.01)
    with pytest.raises(ValueError, match="inside a wall"):
        oracle.least_steps((-0.1, 0.0), (0.2, 0.0))


def test_least_steps_in_the_open_room_bound_the_exact_count_from_below(rng):
    """Exact: the fewest moves (i, j) of whole steps that end in the disc around the goal."""
    start, goal = rng.uniform(-0.2, 0.2, (2, 300, 2))
    moves = STEP * np.stack(np.meshgrid(np.arange(-20, 21), np.arange(-20, 21)), -1).reshape(-1, 2)
    count = np.maximum(1, np.rint(np.abs(moves).max(1) / STEP))
    reached = np.linalg.norm(start[:, None] + moves - goal[:, None], axis=-1) < SUCCESS_RADIUS
    exact = np.where(reached, count, np.inf).min(1)
    least = GeodesicOracle("open").least_steps(start, goal)
    assert least.dtype == np.int64
    assert (least <= exact).all()
    assert (least >= exact - 1).all()
    assert (least == exact).mean() > 0.8


def test_least_steps_is_one_at_the_goal():
    assert GeodesicOracle("table").least_steps((0.2, 0.2), [(0.2, 0.2), (0.21, 0.2)]).tolist() == [1, 1]


def steps_by_descending(room, task, oracle):
    """Steps until the environment says that the goal is reached."""
    env, moves = gym.make(room.env_id, obs_type="state"), Actions("discrete").moves
    _, info = env.reset(options={"task": task})
    for step in itertools.count(1):
        here, candidates = info["oracle_position"], info["oracle_position"] + moves
        # A tie is broken by the straight line, so that the last steps end in the disc.
        cost = (
            oracle.distance(candidates, info["oracle_goal"])
            + 0.1 * np.linalg.norm(candidates - info["oracle_goal"], axis=1) / STEP
        )
        cost[room.segment_is_blocked(here, candidates) | ~room.is_free(candidates)] = np.inf  # walls stick
        _, _, terminated, truncated, info = env.step(int(cost.argmin()))
        assert not truncated, task
        if terminated:
            return step


@EVERY_ROOM
def test_named_tasks_are_solved_by_descending_the_field_in_hardly_more_steps(room):
    """The distance agrees with the physics: greedy descent gets there, and never sooner than least."""
    oracle = GeodesicOracle(room)
    for task, (start, goal) in room.tasks.items():
        least = oracle.least_steps(start, goal)[0]
        assert least <= steps_by_descending(room, task, oracle) <= least + 3, task
