"""Rooms that somebody else registers, and rooms that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from plan2vec_envs import ROOMS, InvalidOptionError, get_room, register_room
from plan2vec_envs.geometry import Rect, Room
from plan2vec_envs.maze.tasks import draw_task

HALL = Room(
    name="hall",
    title="Hall",
    doc="A wall from the north.",
    obstacles=(Rect(0.0, 0.13, 0.03, 0.15),),
    start_low=-0.2,
    start_high=0.2,
    goal_low=-0.2,
    goal_high=0.2,
    tasks={"round": ((-0.15, 0.2), (0.15, 0.2))},
)
MODULE = """
from plan2vec_envs import register_room
from plan2vec_envs.geometry import Rect, Room

register_room(
    Room(
        name="hall",
        title="Hall",
        doc="A wall from the north.",
        obstacles=(Rect(0.0, 0.13, 0.03, {half}),),
        start_low=-0.2,
        start_high=0.2,
        goal_low=-0.2,
        goal_high=0.2,
        tasks={{"round": ((-0.15, 0.2), (0.15, 0.2))}},
    )
)
"""
PLAY = """
env = gym.make("{env_id}")
env.reset(seed=0, options={{"task": "round"}})
_, _, _, _, info = env.step(1)
assert info["oracle_position"][0] < -0.17, info
"""
LEARN = """
from data_collection import make_dataset
from data_collection.engines import LocalEngine
from evaluation.protocols.tasks import make_tasks
data = make_dataset("Plan2vec/Hall-v0", size="20x10", progress=False, engine=LocalEngine(2))
assert data.observations.shape == (220, 1, 64, 64)
assert make_tasks("Plan2vec/Hall-v0", 20).blocked.any()
"""


def run(folder, code, plugins="", half=0.15):
    """Runs code beside a module that registers the room."""
    (folder / "my_rooms.py").write_text(MODULE.format(half=half))
    done = subprocess.run(
        [sys.executable, "-c", f"import gymnasium as gym\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(folder)]),
            "PLAN2VEC_PLUGINS": plugins,
            "PLAN2VEC_CACHE": str(folder / "cache"),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def registered():
    """What a test registers is forgotten after it."""
    rooms, ids = dict(ROOMS), dict(gym.registry)
    yield
    for known, before in ((ROOMS, rooms), (gym.registry, ids)):
        known.clear()
        known.update(before)


def test_gymnasium_makes_a_room_of_any_module_by_the_modules_name(tmp_path):
    run(tmp_path, PLAY.format(env_id="my_rooms:Plan2vec/Hall-v0"))


def test_gymnasium_makes_a_room_of_a_plugin(tmp_path):
    run(tmp_path, PLAY.format(env_id="plan2vec:Plan2vec/Hall-v0"), plugins="my_rooms")


def test_a_room_of_a_plugin_is_collected_in_processes_and_has_tasks_like_any_other(tmp_path):
    run(tmp_path, LEARN, plugins="my_rooms")


def test_a_dataset_of_other_walls_is_not_taken_from_the_cache(tmp_path):
    for half in (0.15, 0.15, 0.1):
        run(tmp_path, LEARN, plugins="my_rooms", half=half)
    assert len(list((tmp_path / "cache" / "datasets").glob("*.npz"))) == 2


def test_a_room_is_registered_once_and_may_come_again(registered):
    assert register_room(HALL) is HALL
    assert register_room(replace(HALL)) is HALL
    assert get_room("hall") is HALL
    assert gym.make("Plan2vec/Hall-v0").unwrapped.room is HALL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "open"}, r"there is another room called 'open'; choose another name, or `del ROOMS\['open'\]` first"),
        ({"title": "Rope"}, r"room 'hall': there is another Plan2vec/Rope-v0; choose another title"),
        ({"title": "Open"}, r"room 'hall': there is another Plan2vec/Open-v0; choose another title"),
    ],
)
def test_names_that_are_taken_are_refused(registered, change, message):
    with pytest.raises(InvalidOptionError, match=message):
        register_room(replace(HALL, **change))
    assert "hall" not in ROOMS


def test_walls_are_cut_out_of_the_regions(rng):
    """Nothing is excluded by hand here, and the draws come right up to the wall."""
    ends = np.array([draw_task(HALL, rng) for _ in range(2000)])
    assert HALL.is_free(ends.reshape(-1, 2)).all()
    beside = np.abs(ends[..., 0][ends[..., 1] > 0])
    assert beside.min() == pytest.approx(0.07, abs=0.003)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"start_low": -0.25},
            r"room 'hall': the start region goes from -0.25 to 0.2 m; between the border walls .* 0.24",
        ),
        ({"goal_low": 0.3}, r"room 'hall': the goal region goes from 0.3 to 0.2 m"),
        (
            {"start_low": -0.02, "start_high": 0.06},
            r"room 'hall': nothing is left of the start region, -0.02 to 0.06 .* lies in Rect\(x=0.0, y=0.13",
        ),
        ({"goal_excluded": (Rect(0, 0, 1, 1),)}, r"nothing is left of the goal region, .* and 1 excluded rectangles"),
        ({"tasks": {"in": ((0.0, 0.2), (0.2, 0.2))}}, r"'hall': the start \(0.0, 0.2\) of task 'in' is in Rect\(x=0.0"),
        ({"tasks": {"out": ((0.2, 0.2), (0.3, 0.2))}}, r"the goal \(0.3, 0.2\) of task 'out' is in the border wall"),
    ],
)
def test_a_room_whose_ends_lie_in_walls_is_refused_at_birth(change, message):
    with pytest.raises(InvalidOptionError, match=message):
        replace(HALL, **change)


def test_a_region_may_be_a_single_free_point(rng):
    room = replace(HALL, start_low=-0.1, start_high=-0.1)
    assert draw_task(room, rng)[0] == (-0.1, -0.1)
