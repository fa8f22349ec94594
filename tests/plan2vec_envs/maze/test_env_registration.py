"""How the package behaves as an installed package."""

from __future__ import annotations

import importlib
import subprocess
import sys

import gymnasium as gym
import pytest

import plan2vec_envs
from plan2vec_envs.io.name_clash import check_siblings
from plan2vec_envs.maze.core import MAX_EPISODE_STEPS


def test_reloading_registers_nothing_twice():
    before = dict(gym.registry)
    importlib.reload(plan2vec_envs)  # Gymnasium warns when an id is registered again
    assert dict(gym.registry) == before


@pytest.mark.parametrize("env_id", plan2vec_envs.ROOM_IDS)
def test_specs_hold_strings_and_the_step_limit(env_id):
    spec = gym.spec(env_id)
    assert isinstance(spec.entry_point, str)
    assert isinstance(spec.vector_entry_point, str)
    assert spec.max_episode_steps == MAX_EPISODE_STEPS


def test_import_needs_neither_torch_nor_the_physics():
    code = "import sys, plan2vec_envs; print(sorted({'torch', 'pymunk', 'scipy', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_siblings_from_this_folder_are_accepted():
    check_siblings(["plan2vec_envs"])


def test_foreign_package_is_named_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "agents_of_others").mkdir()
    (tmp_path / "agents_of_others" / "__init__.py").write_text("raise RuntimeError('never imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"'agents_of_others' resolves to .* own virtual environment"):
        check_siblings(["agents_of_others"])
    with pytest.raises(ImportError, match="resolves to None"):
        check_siblings(["no_such_package"])
