"""The promises that everything serves: learn from images, then get there; and lose nothing to a kill."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents import Plan2Vec
from data_collection import make_dataset
from evaluation.closed_loop import closed_loop
from evaluation.results import EvalResult
from evaluation.tasks import make_tasks

ROOT = Path(__file__).resolve().parent.parent


def learned_from_a_hundred_rollouts(env_id: str) -> EvalResult:
    dataset = make_dataset(env_id, size="100x10", seed=0, progress=False)
    agent = Plan2Vec().fit(dataset.without_oracle(), seed=0, progress=False)
    return closed_loop(agent, make_tasks(env_id, 200))


def test_a_hundred_random_rollouts_are_enough_to_find_the_way_round_the_wall():
    """A uniform policy reaches 10 % of these tasks, a straight line on true positions 70 %, and 44 % of the blocked."""
    result = learned_from_a_hundred_rollouts("Plan2vec/CMaze-v0")
    assert result.success_02.mean() >= 0.9
    assert result.success_02[result.blocked].mean() >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ["Plan2vec/Open-v0", "Plan2vec/Table-v0"])
def test_a_hundred_random_rollouts_are_enough_in_the_other_rooms(env_id):
    assert learned_from_a_hundred_rollouts(env_id).success_02.mean() >= 0.95


def train(out: Path, seconds: float | None) -> int:
    """Runs the command, with kill -9 after some seconds; returns the exit code."""
    steps = [f"--config.{part}.steps" for part in ("local_metric", "global_metric", "forward_model")]
    options = [word for pair in zip(steps, ("300", "300", "2000"), strict=True) for word in pair]
    command = [sys.executable, "-m", "evaluation.cli", "train", "--rollouts", "60", "--tasks", "10"]
    running = subprocess.Popen(
        [*command, "--no-tensorboard", "--out", str(out), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.kill()
        return running.wait()


@pytest.mark.slow
def test_a_command_killed_at_random_moments_ends_with_the_same_agent_as_one_left_alone(tmp_path):
    assert train(tmp_path / "whole", None) == 0
    kills = 0
    for seconds in [*np.random.default_rng(0).uniform(4, 12, 3), None]:
        code = train(tmp_path / "killed", seconds)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
    assert code == 0
    assert kills, "every kill came too late to test anything"

    def checksum(name: str) -> str:
        (weights,) = (tmp_path / name).glob("*/*/*/agent/weights.safetensors")
        return hashlib.sha256(weights.read_bytes()).hexdigest()

    assert checksum("killed") == checksum("whole")
