"""Pieces of work here, in processes and on Ray: the same results, whatever dies in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from data_collection import Dataset, collect, collect_rope, load_dataset, save_dataset
from data_collection.engines import LocalEngine, get_engine
from data_collection.errors import InvalidOptionError, MissingExtraError, WorkerError
from plan2vec_envs.errors import UnknownNameError

from ...mortal import Mortal

ROOT = Path(__file__).resolve().parents[3]
OURS = {**os.environ, "PYTHONPATH": str(ROOT)}

ORPHANS = """
import os, sys, time
from data_collection.engines import LocalEngine

def sleep(item):
    print(os.getpid(), flush=True)
    time.sleep(100)

if __name__ == "__main__":
    list(LocalEngine(2).map(sleep, range(2)))
"""


BARS = """
from io import StringIO
from tqdm import tqdm
from data_collection.engines import LocalEngine

def draw(item):
    return sum(tqdm([item], file=StringIO()))

if __name__ == "__main__":
    print(sorted(result for _, result in LocalEngine(2).map(draw, range(3))))
"""


def dot(row: int, matrix: np.ndarray, vector: np.ndarray) -> float:
    return float(matrix[row] @ vector)


def double(item: int) -> int:
    return 2 * item


def double_or_die(folder: Path, times: int, item: int) -> int:
    """Killed in the midst of item 2, so many times."""
    marks = len(list(folder.iterdir()))
    if item == 2 and marks < times:
        (folder / str(marks)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * item


def overwrite(item: int, array: np.ndarray) -> None:
    array[0] = item


class OddError(Exception):
    """Cannot be made again from its message alone."""

    def __init__(self, number: int, word: str) -> None:
        super().__init__(f"{word} number {number}")


def refuse(item: int) -> None:
    raise InvalidOptionError(f"item {item} is no good") if item < 10 else OddError(item, "item")


def test_every_item_comes_back_once_with_its_number(engine, rng):
    matrix, vector = rng.normal(size=(7, 5)), rng.normal(size=5)
    found = list(engine.map(dot, range(7), shared=[matrix.T.copy().T, vector]))
    assert sorted(index for index, _ in found) == list(range(7))
    np.testing.assert_allclose([dict(found)[i] for i in range(7)], matrix @ vector, rtol=1e-12)


@pytest.mark.parametrize("items", [[], [5]])
def test_no_item_and_a_single_one_are_fine(engine, items):
    assert list(engine.map(double, items)) == [(i, 2 * item) for i, item in enumerate(items)]


def test_items_are_drawn_when_somebody_can_work_on_them(engine):
    drawn = []

    def endless():
        for item in count():
            drawn.append(item)
            yield item

    results = engine.map(double, endless())
    index, result = next(results)
    assert result == 2 * index
    assert len(drawn) <= 1 + 2 * engine.jobs
    results.close()


def test_shared_arrays_cannot_be_written_to(engine):
    array = np.zeros(3)
    with pytest.raises(ValueError, match="read-only"):
        list(engine.map(overwrite, [1, 2], shared=[array]))
    assert not array.any()


def test_an_error_of_a_piece_comes_out_as_what_it_is(engine):
    with pytest.raises(InvalidOptionError) as caught:
        list(engine.map(refuse, [3, 4]))
    assert str(caught.value) in ("item 3 is no good", "item 4 is no good")


def test_an_error_that_cannot_be_sent_says_what_it_was(elsewhere):
    with pytest.raises(WorkerError, match=r"OddError: item number 1[01]"):
        list(elsewhere.map(refuse, [10, 11]))


def test_a_killed_worker_loses_nothing(elsewhere, tmp_path):
    found = dict(elsewhere.map(partial(double_or_die, tmp_path, 2), range(5)))
    assert len(list(tmp_path.iterdir())) == 2
    assert found == {i: 2 * i for i in range(5)}


def test_a_piece_that_kills_every_worker_is_an_error(elsewhere, tmp_path):
    with pytest.raises(WorkerError, match=r"killed 3 times.*fewer jobs"):
        list(elsewhere.map(partial(double_or_die, tmp_path, 100), range(5)))
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_was_joined_before_is_left_as_it_is(cluster):
    import ray

    assert dict(get_engine("ray").map(double, [1, 2])) == {0: 2, 1: 4}
    assert ray.is_initialized()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("joins", [False, True])
def test_a_command_starts_a_cluster_of_its_own_or_joins_one(cluster, joins, tmp_path):
    import ray

    address = ray.get_runtime_context().gcs_address
    where = ["--address", address] if joins else ["--jobs", "2"]
    words = ["collect", "Plan2vec/CMaze-v0", "--size", "11x4", "--out", str(tmp_path / "data.npz"), "--engine", "ray"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "PLAN2VEC_CACHE": str(tmp_path)}
    command = [sys.executable, "-m", "evaluation.cli", *words, *where]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ("Connecting to existing" in ran.stderr) == joins
    found = load_dataset(tmp_path / "data.npz")
    assert_same(found, collect("Plan2vec/CMaze-v0", num_rollouts=11, horizon=4, progress=False))
    assert ray.is_initialized()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_does_not_answer_is_named(monkeypatch):
    ray = pytest.importorskip("ray", reason="needs the ray extra")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def unreachable(**options):
        raise ConnectionError(options["address"])

    monkeypatch.setattr(ray, "init", unreachable)
    with pytest.raises(WorkerError, match=r"no Ray cluster answers at 'here:6379'.*ray start --head"):
        list(get_engine("ray", address="here:6379").map(double, [1]))


@pytest.mark.slow
def test_a_process_that_cannot_begin_is_an_error_and_not_tried_again(monkeypatch):
    monkeypatch.setattr("data_collection.engines.local._serve", os.kill)  # called with arguments it does not take
    with pytest.raises(WorkerError, match=r"before it could begin.*__main__"):
        list(LocalEngine(2).map(double, range(4)))


@pytest.mark.slow
def test_processes_with_progress_bars_leave_nothing_to_clean_up(tmp_path):
    """Python's tracker of semaphores complains when all is over, so it is over in a process of its own."""
    script = tmp_path / "bars.py"
    script.write_text(BARS)
    ran = subprocess.run([sys.executable, str(script)], env=OURS, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("[0, 1, 2]\n", "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux does")
def test_processes_end_with_whoever_asked(tmp_path):
    """Killed outright, so that it could not tell them."""
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    asking = subprocess.Popen([sys.executable, str(script)], env=OURS, stdout=subprocess.PIPE, text=True)
    workers = [int(asking.stdout.readline()) for _ in range(2)]
    assert all(runs(worker) for worker in workers)
    asking.kill()
    asking.communicate()
    limit = time.monotonic() + 20
    while any(runs(worker) for worker in workers) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(runs(worker) for worker in workers)


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


SMALL = {"num_rollouts": 11, "horizon": 4, "num_policies": 3, "progress": False}


def test_a_collection_is_the_same_wherever_its_parts_are_made(elsewhere, tmp_path):
    """A worker is killed when it has collected a part, and before anybody has it."""
    mortal = Mortal(elsewhere, tmp_path)
    found = collect("Plan2vec/CMaze-v0", seed=3, engine=mortal, **SMALL)
    assert mortal.died
    assert_same(found, collect("Plan2vec/CMaze-v0", seed=3, **SMALL))


@pytest.mark.slow
def test_sequences_of_a_rope_are_the_same_wherever_they_are_dragged(elsewhere):
    assert_same(
        collect_rope(3, 10, seed=7, progress=False, engine=elsewhere), collect_rope(3, 10, seed=7, progress=False)
    )


@pytest.mark.slow
def test_a_collection_in_processes_that_was_stopped_goes_on(monkeypatch, tmp_path):
    def stopped(part, file, **options):
        if file.name == "part-0002.npz":
            raise KeyboardInterrupt
        save_dataset(part, file, **options)

    collected = partial(collect, "Plan2vec/CMaze-v0", parts_dir=tmp_path, engine=LocalEngine(2), **SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[collect.__module__], "save_dataset", stopped)
        with pytest.raises(KeyboardInterrupt):
            collected()
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert {file.name for file in kept} <= {"part-0000.npz", "part-0001.npz"}
    assert_same(collected(), collect("Plan2vec/CMaze-v0", **SMALL))
    assert all(file.stat().st_mtime_ns == moment for file, moment in kept.items()), "a part was made again"


def assert_same(a: Dataset, b: Dataset) -> None:
    assert a.fingerprint == b.fingerprint
    np.testing.assert_array_equal(a.oracle_position, b.oracle_position)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"name": "dask"}, UnknownNameError, "Known: local, ray"),
        ({"jobs": 0}, InvalidOptionError, "jobs=0 must be a whole number, at least 1"),
        ({"name": "ray", "jobs": -1}, InvalidOptionError, "jobs=-1 must be a whole number, at least 1"),
        ({"address": "auto"}, InvalidOptionError, "add engine 'ray'"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(asked, error, message):
    with pytest.raises(error, match=message):
        get_engine(**asked)


def test_ray_without_ray_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"\.\[ray\]"):
        list(get_engine("ray").map(double, [1]))
