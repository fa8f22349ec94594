"""How many files somebody has to open who follows a fit, or a decision, from its first line."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import agents
from agents import Plan2Vec
from agents.base.check import fit_quickly, tiny_images
from agents.base.staged import Fit

ROOT = Path(agents.__file__).resolve().parent.parent
OURS = tuple(f"{ROOT / name}/" for name in ("agents", "data_collection", "plan2vec_envs"))


def files_entered(work):
    """The files of ours with a function that is called."""
    entered = set()

    def note(frame, event, argument):
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(OURS) and frame.f_code.co_name != "<module>":
            entered.add(path)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return sorted(str(Path(path).relative_to(ROOT)) for path in entered)


@pytest.fixture(scope="module")
def fitted():
    return fit_quickly(Plan2Vec, tiny_images())


def test_a_fit_enters_at_most_43_files(fitted):
    data, again = tiny_images(), Plan2Vec(fitted.config)
    entered = files_entered(lambda: again.fit(data, progress=False))
    assert len(entered) <= 43, entered
    assert "agents/graphs/shortest_paths.py" in entered


def test_a_decision_enters_at_most_13_files(fitted, rng):
    frames = rng.integers(256, size=(2, *fitted.observation_shape), dtype=np.uint8)
    memory = fitted.new_memory()
    entered = files_entered(lambda: fitted.act(frames[0], frames[1], memory=memory))
    assert len(entered) <= 13, entered
    assert "agents/control/action_memory.py" in entered


def test_the_four_stages_are_called_from_one_function(fitted, monkeypatch):
    called = []
    stage = Fit.stage

    def noted(self, name, *args, **options):
        frame = sys._getframe(1)
        while frame.f_code.co_name != "_fit":  # the stages that agents share are functions of their own
            frame = frame.f_back
        called.append((name, Path(frame.f_code.co_filename).relative_to(ROOT).as_posix(), frame.f_code.co_name))
        return stage(self, name, *args, **options)

    monkeypatch.setattr(Fit, "stage", noted)
    Plan2Vec(fitted.config).fit(tiny_images(), progress=False)
    assert called == [(name, "agents/plan2vec/agent.py", "_fit") for name in ("local", "graph", "global", "forward")]
