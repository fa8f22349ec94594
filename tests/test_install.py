"""What a user gets who has no checkout: the package from its repository, in an environment that holds nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a command in the new environment, outside of the checkout, and returns what it printed."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    hidden = {"PYTHONPATH", "VIRTUAL_ENV"}
    surroundings = {name: value for name, value in os.environ.items() if name not in hidden}

    def call(program: str, *words: str) -> str:
        done = subprocess.run(
            [programs / program, *words], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program} {' '.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    pip = ("-m", "pip", "--disable-pip-version-check", "install", "-q", "-c", str(ROOT / "constraints.txt"))
    index = ("--index-url", os.environ["TORCH_INDEX"]) if os.environ.get("TORCH_INDEX") else ()
    call("python", *pip, *index, "torch")  # first: the small build, where an index of it is named
    call("python", *pip, f"git+{ROOT.as_uri()}")
    yield call
    shutil.rmtree(folder)  # two gigabytes


@pytest.mark.slow
def test_an_installed_package_imports_makes_environments_and_reproduces(run, tmp_path):
    asked = "import plan2vec, gymnasium as gym; print(plan2vec.__version__, gym.make('Plan2vec/CMaze-v0').reset()[1])"
    assert "oracle_position" in run("python", "-c", asked)
    assert "C-Maze from random rollouts to a report" in run("plan2vec", "demo", "--help")
    words = ("--preset", "smoke", "--only", "plan2vec", "--env", "Plan2vec/CMaze-v0", "--out", str(tmp_path))
    assert "plan2vec, with memory" in run("plan2vec", "reproduce", "table1", *words)
    assert list(tmp_path.glob("table1-smoke*/report.html"))
