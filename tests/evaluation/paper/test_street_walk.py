"""Driving by a distance alone, in lockstep, against one driver at a time in the environment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import ProtocolError
from evaluation.paper.streets.street_walk import by_latents, street_tasks, street_walk
from plan2vec_envs.image_graph import Views, WorldGraph, make_city, save_world
from plan2vec_envs.image_graph.distances import hops_from, metres_from
from plan2vec_envs.image_graph.env import ImageGraphEnv


@pytest.fixture(scope="module")
def city():
    world = make_city(120, seed=1)
    frames = np.repeat(np.arange(120), 2).reshape(120, 2, 1, 1, 1)
    return world, Views.drawn(frames.astype(np.uint8))


def exact(world, views):
    place = np.repeat(np.arange(world.num_places), np.diff(views.starts))
    table = metres_from(world, np.arange(world.num_places))
    return lambda rows, goals: table[place[rows], place[goals]]


@pytest.mark.parametrize("visited", [False, True])
def test_the_true_distance_takes_the_shortest_way_to_every_goal(city, visited):
    world, views = city
    tasks = street_tasks(world, 60)
    walked = street_walk(world, views, exact(world, views), tasks, visited=visited)
    assert walked.solved.all()
    np.testing.assert_allclose(walked.metres, tasks.metres, rtol=1e-5)
    assert (walked.steps >= tasks.least_hops).all()
    assert walked.near.all()


def test_drivers_in_lockstep_go_where_one_driver_goes_in_the_environment(city, tmp_path):
    """With one picture a place there is nothing to draw but ties, of which a metric in general position has none."""
    world, _ = city
    frames = np.random.default_rng(0).integers(0, 256, (120, 1, 4, 4), np.uint8)
    photographed = replace(world, views=frames, view_places=np.arange(120))
    env = ImageGraphEnv(str(save_world(photographed, tmp_path / "city.npz")))
    views, tasks = Views.of(photographed), street_tasks(world, 25)
    latents = np.random.default_rng(1).normal(size=(120, 2)) + world.oracle_position / 40
    distance = by_latents(latents, lambda a, b: np.linalg.norm(a - b, axis=-1))
    walked = street_walk(world, views, distance, tasks, visited=False, limit=30)
    row_of = {frame.tobytes(): i for i, frame in enumerate(frames)}
    for task in range(25):
        options = {"start": int(tasks.start[task]), "goal": int(tasks.goal[task])}
        observation, info = env.reset(seed=task, options=options)
        steps, arrived = 0, False
        while steps < 30 and not arrived:
            steps += 1
            ahead = info["neighbor_observations"][info["action_mask"] == 1]
            rows = np.array([row_of[frame.tobytes()] for frame in ahead])
            goal = np.full(len(rows), row_of[observation["desired_goal"].tobytes()])
            observation, _, arrived, _, info = env.step(int(distance(rows, goal).argmin()))
        assert (arrived, steps) == (walked.solved[task], walked.steps[task])


def test_the_goals_own_picture_is_never_shown_on_the_way(city):
    world, views = city
    tasks = street_tasks(world, 60, max_hops=3)
    shown, goals = [], []

    def distance(rows, goal_rows):
        shown.append(rows)
        goals.append(goal_rows)
        return exact(world, views)(rows, goal_rows)

    street_walk(world, views, distance, tasks, visited=False)
    assert not (np.concatenate(shown) == np.concatenate(goals)).any()
    assert (np.concatenate(shown) // 2 == np.concatenate(goals) // 2).any()  # other pictures of goal places are


def test_tasks_are_within_the_hops_each_by_its_seed(city):
    world, _ = city
    tasks, fewer = street_tasks(world, 40, max_hops=7), street_tasks(world, 10, max_hops=7)
    hops = hops_from(world, tasks.start)
    np.testing.assert_array_equal(tasks.least_hops, hops[np.arange(40), tasks.goal])
    assert tasks.least_hops.min() >= 1
    assert tasks.least_hops.max() <= 7
    np.testing.assert_array_equal(fewer.goal, tasks.goal[:10])


def test_without_a_memory_a_dead_end_is_driven_to_and_fro():
    """A street 0-1-2 and goal 3 beyond 0, with a distance that likes 2: only who avoids old places could get away."""
    links = [(0, 1), (1, 0), (1, 2), (2, 1), (0, 3), (3, 0)]
    world = WorldGraph.from_links("street", np.array(links), np.array([(0, 0), (10, 0), (20, 0), (-100, 0)]))
    views = Views.drawn(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1, 1))
    liked = np.array([5.0, 4.0, 1.0, 0.0])
    tasks = street_tasks(world, 30, max_hops=3)
    wanted = np.flatnonzero((tasks.start == 1) & (tasks.goal == 3))
    assert len(wanted)
    walked = street_walk(world, views, lambda rows, goals: liked[rows], tasks, visited=False, limit=20)
    assert not walked.solved[wanted].any()
    assert (walked.steps[wanted] == 20).all()
    away = street_walk(world, views, lambda rows, goals: liked[rows], tasks, visited=True, limit=20)
    assert away.solved[wanted].all()  # into the dead end, back past old places, on to the goal


def test_pictures_are_looked_at_one_a_neighbour(city):
    world, views = city
    tasks = street_tasks(world, 5)
    asked = []

    def distance(rows, goals):
        asked.append(len(rows))
        return exact(world, views)(rows, goals)

    street_walk(world, views, distance, tasks, visited=False)
    assert asked[0] == np.diff(world.indptr)[tasks.start].sum()


def test_views_on_the_way_are_drawn_anew_by_the_seed(city):
    world, views = city
    tasks = street_tasks(world, 20)
    seen = {}
    for seed in (0, 0, 1):
        rows_of: list[int] = []

        def distance(rows, goals, kept=rows_of):
            kept += rows.tolist()
            return exact(world, views)(rows, goals)

        street_walk(world, views, distance, tasks, visited=False, seed=seed)
        seen.setdefault(seed, []).append(rows_of)
    assert seen[0][0] == seen[0][1] != seen[1][0]
    assert {row % 2 for row in seen[0][0]} == {0, 1}


def test_near_misses_count_for_the_lenient_criterion_alone():
    """A chain 10 m apart: who stops one short of the goal, going to and fro, was within 20 m of it."""
    links = [(i, j) for i in range(6) for j in (i - 1, i + 1) if 0 <= j < 6]
    world = WorldGraph.from_links("chain", np.array(links), np.array([(10 * i, 0) for i in range(6)]))
    views = Views.drawn(np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1, 1))
    tasks = street_tasks(world, 80, max_hops=5)
    wanted = (tasks.start == 0) & (tasks.goal == 5)
    liked = -np.array([0.0, 1, 2, 3, 4, -9])
    walked = street_walk(world, views, lambda rows, goals: liked[rows], tasks, visited=False, limit=30)
    assert walked.near[wanted].all()
    assert not walked.solved[wanted].any()


def test_latents_of_all_pictures_make_a_distance(rng):
    latents = rng.normal(size=(6, 3))
    distance = by_latents(latents, lambda a, b: np.abs(a - b).sum(1))
    np.testing.assert_allclose(distance(np.array([0, 1]), np.array([2, 2])), np.abs(latents[:2] - latents[2]).sum(1))


def test_worlds_without_tasks_are_refused(city):
    with pytest.raises(ProtocolError, match="need at least 1"):
        street_tasks(city[0], 0)
    lonely = WorldGraph.from_links("lonely", np.zeros((0, 2)), np.zeros((1, 2)))
    with pytest.raises(ProtocolError, match="no links"):
        street_tasks(lonely, 3)
