"""Our recordings of ogbench's point maze, and the experiment on them."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("ogbench", reason="needs the bench extra")

from data_collection.engines import LocalEngine
from evaluation.paper.experiments.point_maze import PointMaze
from evaluation.paper.lab import Plan, Preset
from evaluation.paper.lab.publish import publish, summary_of
from evaluation.paper.lab.runner import run_all
from evaluation.paper.protocols.point_maze import HORIZON, make_maze, record_trajectories

pytestmark = pytest.mark.filterwarnings("ignore")  # of other packages


@pytest.fixture(scope="module")
def flat():
    return record_trajectories(20 * HORIZON, seed=0)


def test_a_recording_is_a_function_of_its_seed(flat):
    again, other = record_trajectories(20 * HORIZON, seed=0), record_trajectories(20 * HORIZON, seed=1)
    assert all(np.array_equal(flat[key], again[key]) for key in flat)
    assert not np.array_equal(flat["actions"], other["actions"])


def test_an_action_moves_the_point_by_a_fifth_of_it_or_less_where_a_wall_is(flat):
    places = flat["observations"].reshape(20, HORIZON, 2)
    moved = np.diff(places, axis=1)
    wished = 0.2 * flat["actions"].reshape(20, HORIZON, 2)[:, :-1]
    free = np.abs(moved - wished).max(2) < 1e-4
    assert free.mean() > 0.6
    assert np.abs(moved).max() <= 0.2 * np.abs(flat["actions"]).max() + 0.05


def test_no_trajectory_spans_a_task(flat):
    """Tasks are at least 6 cells of 4 metres from start to goal, which no trajectory has both of."""
    maze = make_maze().unwrapped
    places = flat["observations"].reshape(20, HORIZON, 2)
    for task in maze.task_infos:
        ends = [np.array(maze.ij_to_xy(task[key])) for key in ("init_ij", "goal_ij")]
        near = [(np.linalg.norm(places - end, axis=2) < 1).any(1) for end in ends]
        assert not (near[0] & near[1]).any()


def test_the_experiment_runs_from_its_cells_to_its_page(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path / "cache"))
    plan = Plan(Preset("tiny", comparable=False, steps=0.01, seeds=1, tasks=10))
    found = run_all("point-maze", plan, tmp_path / "agents", tmp_path, LocalEngine())
    summary = summary_of(PointMaze(), found, plan, "plan2vec reproduce point-maze", 1)
    publish(PointMaze(), found, summary, tmp_path)
    assert len(json.loads((tmp_path / "results.json").read_text())["rows"]) == 5
