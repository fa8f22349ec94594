"""`plan2vec reproduce`, from the command line to the page; slow, since it learns."""

import json
from pathlib import Path

import pytest

from data_collection.engines import LocalEngine
from evaluation.paper.lab import EXPERIMENTS, Plan, Preset
from evaluation.paper.lab.publish import publish, summary_of
from evaluation.paper.lab.runner import run_all


def numbers(out: Path) -> dict:
    """The summary without dates and speeds."""
    (file,) = out.glob("table1-*/results.json")
    rooms = json.loads(file.read_text())["rooms"]
    for room in rooms.values():
        for method in room.values():
            method.pop("learning_cpu_seconds")
            for row in method["rows"].values():
                row.pop("milliseconds_per_decision")
    return rooms


@pytest.mark.slow
def test_a_table_that_was_killed_half_way_ends_the_same(whole_and_killed):
    words = ["reproduce", "table1", "--preset", "smoke", "--env", "Plan2vec/CMaze-v0"]
    whole, killed = whole_and_killed([*words, "--only", "plan2vec", "vae-2", "random"], (6, 14), seed=1)
    assert numbers(killed) == numbers(whole)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(EXPERIMENTS) - {"point-maze"}))  # test_point_maze.py runs that
def test_every_experiment_runs_from_its_cells_to_its_page(name, tmp_path, tmp_path_factory):
    """With hardly any training: nothing is learned, but everything is run, pooled, tabled and drawn."""
    agents = tmp_path_factory.getbasetemp() / "agents"
    preset = Preset("tiny", comparable=False, steps=0.01, seeds=1, tasks=10, size="40x10")
    plan, experiment = Plan(preset, env_ids=("Plan2vec/CMaze-v0",)), EXPERIMENTS[name]
    found = run_all(name, plan, agents, tmp_path, LocalEngine())
    summary = summary_of(experiment, found, plan, f"plan2vec reproduce {name}", 1)
    publish(experiment, found, summary, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["experiment"] == name
    assert (tmp_path / "report.html").stat().st_size > 3000
    assert (tmp_path / "results.csv").read_text().count("not for comparison") or not experiment.tables(summary)
