"""Commands whose work comes in pieces: the same from processes and from Ray as from one process, whoever is killed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agents import load_agent
from agents.training.loop import one_torch_thread
from data_collection import load_dataset
from data_collection.engines import LocalEngine
from evaluation import cli
from evaluation.paper.lab import Plan
from evaluation.paper.lab.plan import PRESETS
from evaluation.paper.lab.runner import run_all
from evaluation.protocols.tasks import make_tasks
from evaluation.runs.judging import judge_into, rows

from ...mortal import Mortal
from ..conftest import CMAZE

TIMES = {"seconds_per_decision", "learning_cpu_seconds", "milliseconds_per_decision", "cpu_seconds"}


def timeless(data):
    """Without what differs from run to run."""
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key not in TIMES}
    return [timeless(value) for value in data] if isinstance(data, list) else data


@pytest.mark.slow
def test_rows_are_judged_the_same_wherever_and_whoever_is_killed(elsewhere, tiny_run, tmp_path):
    agent, tasks = load_agent(tiny_run), make_tasks(CMAZE, 6)
    mortal = Mortal(elsewhere, tmp_path)
    with one_torch_thread():
        here = [result.to_dict() for result in judge_into(None, rows(agent, None, tasks))]
    found = [result.to_dict() for result in judge_into(tmp_path / "rows", rows(agent, None, tasks), mortal)]
    assert mortal.died
    assert timeless(found) == timeless(here)
    assert len(found) == len(list((tmp_path / "rows").iterdir())) == 6


@pytest.mark.slow
def test_cells_come_out_the_same_wherever_and_whoever_is_killed(elsewhere, tmp_path):
    plan = Plan(PRESETS["smoke"], seeds=2, env_ids=(CMAZE,), size="20x5", only=("random",))
    mortal = Mortal(elsewhere, tmp_path)
    found = run_all("table1", plan, tmp_path / "agents", tmp_path / "elsewhere", mortal)
    assert mortal.died
    here = run_all("table1", plan, tmp_path / "agents here", tmp_path / "here", LocalEngine())
    assert timeless([result for _, result in found]) == timeless([result for _, result in here])


@pytest.mark.slow
def test_every_command_takes_jobs(tiny_run, tmp_path, capsys, monkeypatch):
    """Each twice, by one process and by two, in caches of their own."""
    latents, prints, judged = [], [], []
    for jobs in ("1", "2"):
        monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path / f"cache{jobs}"))
        data, out = tmp_path / f"data{jobs}.npz", tmp_path / f"latents{jobs}.npy"
        many = ["--jobs", jobs]
        assert cli.main(["collect", CMAZE, "--size", "30x3", "--out", str(data), *many]) == 0
        assert cli.main(["embed", str(tiny_run), str(data), "--out", str(out), "--chunk", "50", *many]) == 0
        assert "120 latents" in capsys.readouterr().out
        folder = tmp_path / f"rows{jobs}"
        assert cli.main(["evaluate", str(tiny_run), "--tasks", "4", "--out", str(folder), *many]) == 0
        prints.append(load_dataset(data).fingerprint)
        latents.append(np.load(out))
        judged.append({file.name: timeless(json.loads(file.read_text())) for file in folder.iterdir()})
    assert prints[0] == prints[1]
    np.testing.assert_array_equal(latents[0], latents[1])
    assert judged[0] == judged[1]


def test_an_array_is_embedded_as_a_dataset_is(tiny_run, tmp_path, capsys):
    frames = np.random.default_rng(0).integers(256, size=(9, 1, 64, 64), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", frames)
    out = tmp_path / "latents.npy"
    assert cli.main(["embed", str(tiny_run), str(tmp_path / "frames.npy"), "--out", str(out)]) == 0
    np.testing.assert_allclose(np.load(out), load_agent(tiny_run).embed(frames), atol=1e-5)


@pytest.mark.parametrize("command", [["collect"], ["evaluate", "run"], ["embed", "run", "data.npz"], ["sweep"]])
@pytest.mark.parametrize(
    ("options", "message"),
    [(["--jobs", "0"], "jobs=0 must be a whole number, at least 1"), (["--address", "auto"], "add engine 'ray'")],
)
def test_an_engine_that_cannot_be_is_refused_before_anything_is_done(
    command, options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*command, *options]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_embed_names_the_file_that_is_missing(tiny_run, tmp_path, capsys):
    assert cli.main(["embed", str(tiny_run), str(tmp_path / "none.npz")]) == 2
    assert f"there is no file {tmp_path / 'none.npz'}" in capsys.readouterr().err
