"""What every test gets: one thread, no display, a cache of its own, and a seeded generator."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent

# Read when torch, BLAS, SDL and matplotlib are first imported, hence set before any test module is.
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    SDL_VIDEODRIVER="dummy",
    SDL_AUDIODRIVER="dummy",
    PYGAME_HIDE_SUPPORT_PROMPT="1",
    MPLBACKEND="Agg",
)


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache folder for the whole test run, workers included; the user's own is never touched."""
    base = tmp_path_factory.getbasetemp()
    # A worker of pytest-xdist has its own base folder inside the one of the run.
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    cache = root / "plan2vec-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAN2VEC_CACHE", str(cache))
        yield cache


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(0)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden values anew instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest, shared_cache: Path) -> Callable[[str, Any], None]:
    """Compares with the value that `golden.json` beside the test keeps of it under a name; `--update` writes it."""
    path, test = request.path.with_name("golden.json"), request.function.__name__

    def compare(name: str, found: Any) -> None:
        with FileLock(f"{shared_cache}-golden.lock"):  # workers of pytest-xdist share the file
            kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            if request.config.getoption("--update"):
                kept.setdefault(test, {})[name] = found
                path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        assert name in kept.get(test, {}), f"{path} keeps no {name!r} of {test}; look at it, then run with --update"
        assert found == kept[test][name], "if this was meant, run with --update"

    return compare


def run_command(words: Sequence[str], seconds: float | None = None) -> int:
    """Runs ``plan2vec words``, with kill -9 after some seconds; returns the exit code."""
    running = subprocess.Popen(
        [sys.executable, "-m", "evaluation.cli", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.kill()
        return running.wait()


@pytest.fixture
def whole_and_killed(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Runs a command into a folder that is left alone and into one where it is killed again and again."""

    def run(words: Sequence[str], seconds: tuple[float, float], seed: int = 0) -> tuple[Path, Path]:
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        assert run_command([*words, "--out", str(whole)]) == 0
        codes = []
        for moment in [*np.random.default_rng(seed).uniform(*seconds, 3), None]:
            codes.append(run_command([*words, "--out", str(killed)], moment))
            if codes[-1] == 0:
                break
        assert codes[-1] == 0
        assert set(codes[:-1]) == {-signal.SIGKILL}, "every kill came too late to test anything"
        return whole, killed

    return run


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A Ray cluster on this machine, joined once for all tests."""
    ray = pytest.importorskip("ray", reason="needs the ray extra")
    there = {"env_vars": {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}}
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=there)
    yield
    ray.shutdown()


ELSEWHERE = ["processes", pytest.param("ray", marks=pytest.mark.filterwarnings("ignore"))]  # warnings of Ray's own


@pytest.fixture(params=ELSEWHERE)
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two workers: processes, and Ray's where it is installed."""
    return _engine(request, monkeypatch)


@pytest.fixture(params=["here", *ELSEWHERE])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """This process, and two workers."""
    return _engine(request, monkeypatch)


def _engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    from data_collection.engines import LocalEngine, RayEngine

    monkeypatch.syspath_prepend(str(ROOT))  # handed on to the processes
    if request.param == "ray":
        request.getfixturevalue("cluster")
        return RayEngine(2)
    return LocalEngine(1 if request.param == "here" else 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `gpu` skip where there is none; torch is imported only to find that out."""
    gpu = [item for item in items if "gpu" in item.keywords]
    if gpu and not importlib.import_module("torch").cuda.is_available():
        for item in gpu:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
