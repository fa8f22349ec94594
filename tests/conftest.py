"""What every test gets: one thread, no display, a cache of its own, and a seeded generator."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `gpu` skip where there is none; torch is imported only to find that out."""
    gpu = [item for item in items if "gpu" in item.keywords]
    if gpu and not importlib.import_module("torch").cuda.is_available():
        for item in gpu:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
