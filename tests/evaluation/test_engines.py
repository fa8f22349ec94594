"""Groups of cells in this process, in several, and on Ray: each once, whatever dies in between."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from evaluation.lab.engines import run_groups
from plan2vec_envs.errors import MissingExtraError, UnknownNameError


def note(folder: Path, group: str, parent: int) -> None:
    """Leaves a line a call, as a cell leaves its result."""
    with (folder / group).open("a") as file:
        file.write(f"{parent}\n")


def note_or_die(folder: Path, group: str, parent: int) -> None:
    """The first call for group "b" is killed before it is done; what was noted before stays."""
    mark = folder / "died"
    if group == "b" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    note(folder, group, parent)


def lines(folder: Path) -> dict[str, int]:
    return {file.name: len(file.read_text().splitlines()) for file in sorted(folder.iterdir()) if file.name != "died"}


def test_one_process_runs_every_group_once(tmp_path):
    run_groups(partial(note, tmp_path), ["a", "b", "c"], jobs=1)
    assert lines(tmp_path) == {"a": 1, "b": 1, "c": 1}


@pytest.mark.slow
def test_several_processes_run_every_group_once(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))  # handed on to the processes
    run_groups(partial(note, tmp_path), ["a", "b", "c"], jobs=2)
    assert lines(tmp_path) == {"a": 1, "b": 1, "c": 1}


def test_an_unknown_engine_is_refused_with_those_that_there_are():
    with pytest.raises(UnknownNameError, match="Known: local, ray"):
        run_groups(print, [], jobs=1, engine="dask")


def test_ray_without_ray_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"\.\[ray\]"):
        run_groups(print, ["a"], jobs=1, engine="ray")


class TestOnRay:
    """On a cluster that Ray starts on this machine."""

    pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own

    @pytest.fixture(autouse=True)
    def _cluster(self, monkeypatch):
        pytest.importorskip("ray", reason="needs the ray extra")
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        )

    def test_every_group_runs_once(self, tmp_path):
        run_groups(partial(note, tmp_path), ["a", "b", "c"], jobs=2, engine="ray")
        assert lines(tmp_path) == {"a": 1, "b": 1, "c": 1}

    def test_a_killed_worker_loses_nothing(self, tmp_path):
        run_groups(partial(note_or_die, tmp_path), ["a", "b", "c"], jobs=2, engine="ray")
        assert (tmp_path / "died").exists()
        assert lines(tmp_path) == {"a": 1, "b": 1, "c": 1}

    def test_an_error_of_a_group_comes_out(self, tmp_path):
        with pytest.raises(Exception, match="No such file"):
            run_groups(partial(note, tmp_path / "absent"), ["a"], jobs=1, engine="ray")
