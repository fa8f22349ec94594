from __future__ import annotations

import csv
import math
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import agents.training.loop
from agents import Plan2Vec
from agents.errors import CheckpointError, DeviceError, TrainingDivergedError
from agents.training.gradient_steps import one_cycle
from agents.training.loop import Training, resolve_device, train
from agents.training.saving import load_arrays
from agents.training.workdir import Workdir

from ..worlds import plane, quick_config

STAGES = ("local", "graph", "global", "forward")


def fit_line(workdir: Path | None, steps: int = 200, bad_step: int | None = None) -> nn.Linear:
    """Least squares on y = 3x - 1, by the shipped loop."""
    network = nn.Linear(1, 1)
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)
    x = torch.linspace(-1, 1, 64)[:, None]

    def loss(batch):
        rows = batch["rows"]
        value = (network(x[rows]) - (3 * x[rows] - 1)).square().mean()
        return value * math.nan if bad_step is not None and len(rows) == bad_step else value

    training = Training(0, Workdir(workdir), torch.device("cpu"), progress=False, checkpoint_seconds=0)
    train("line", network, lambda rng: {"rows": rng.integers(64, size=16)}, loss,
          SimpleNamespace(steps=steps, learning_rate=0.2), training)  # fmt: skip
    return network


def test_training_finds_the_line_it_was_given():
    network = fit_line(None)
    assert network.weight.item() == pytest.approx(3, abs=1e-2)
    assert network.bias.item() == pytest.approx(-1, abs=1e-2)


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing():
    rates, betas = zip(*(one_cycle(step, 1000, 1e-2) for step in range(1001)), strict=True)
    assert rates[0] == pytest.approx(4e-4)
    assert (max(rates), int(np.argmax(rates))) == (pytest.approx(1e-2), 250)
    assert rates[1000] == pytest.approx(0, abs=1e-12)
    assert (betas[0], min(betas), betas[1000]) == (pytest.approx(0.95), pytest.approx(0.85), pytest.approx(0.95))
    assert max(np.abs(np.diff(rates))) < 1e-4  # no jump


def test_random_streams_differ_by_seed_stage_and_step():
    def draw(seed, stage, step):
        return Training(seed, Workdir(None), torch.device("cpu")).rng(stage, step).integers(2**60)

    draws = [draw(0, "local", 0), draw(1, "local", 0), draw(0, "global", 0), draw(0, "local", 1)]
    assert len(set(draws)) == 4
    assert draw(0, "local", 0) == draws[0]


def test_training_restores_the_global_generator_of_torch():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with Training(0, Workdir(None), torch.device("cpu")).seeded_torch("local"):
        torch.rand(7)
    assert torch.equal(torch.rand(3), expected)


def test_a_nan_loss_stops_with_the_batch_saved(tmp_path):
    with pytest.raises(TrainingDivergedError, match="the loss became nan"):
        fit_line(tmp_path, bad_step=16)
    (saved,) = tmp_path.glob("diverged-line-*.npz")
    assert np.load(saved)["rows"].shape == (16,)


def test_a_training_cut_short_at_any_logged_step_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    expected = fit_line(tmp_path / "whole")
    for cut in (50, 100, 150):
        folder = tmp_path / f"cut-{cut}"
        keep = Workdir.save_checkpoint

        def stop(self, stage, step, *rest, cut=cut, keep=keep):
            keep(self, stage, step, *rest)
            if step == cut:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Workdir, "save_checkpoint", stop)
            with pytest.raises(KeyboardInterrupt):
                fit_line(folder)
        found = fit_line(folder)
        assert torch.equal(found.weight, expected.weight)
        assert (folder / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()


def test_a_damaged_checkpoint_is_named_and_says_what_to_do(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "line.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match=r"line\.pt .*delete it"):
        fit_line(tmp_path)


def test_an_absent_cuda_device_is_named():
    if torch.cuda.is_available():
        assert resolve_device("cuda").type == "cuda"
        return
    with pytest.raises(DeviceError, match="sees no CUDA device"):
        resolve_device("cuda")


def test_an_unknown_device_is_named():
    with pytest.raises(DeviceError, match="unknown device 'gpu'"):
        resolve_device("gpu")


def test_a_workdir_begun_for_another_seed_is_refused(tmp_path):
    dataset = plane(episodes=20)
    Plan2Vec(quick_config(10)).fit(dataset, workdir=tmp_path, progress=False)
    with pytest.raises(CheckpointError, match="begun with seed=0, now asked for 1"):
        Plan2Vec(quick_config(10)).fit(dataset, seed=1, workdir=tmp_path, progress=False)


def test_every_stage_logs_its_loss_and_validation_figures(tmp_path):
    Plan2Vec(quick_config()).fit(plane(), workdir=tmp_path, progress=False)
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {(row["stage"], row["name"]) for row in rows}
    assert {(stage, "loss") for stage in STAGES if stage != "graph"} <= names
    assert {("local", "accuracy"), ("graph", "edges"), ("global", "relative_error"), ("forward", "error")} <= names


def test_tensorboard_gets_the_losses_too(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Plan2Vec(quick_config(50)).fit(plane(), workdir=tmp_path, progress=False, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tb")).Reload()
    assert {"local/loss", "global/loss", "forward/loss", "graph/edges"} <= set(events.Tags()["scalars"])


KILLED = """
    import os, signal, sys
    sys.path.insert(0, {root!r})
    import agents.training.loop
    from agents import Plan2Vec
    from agents.training.workdir import Workdir
    from tests_worlds import plane, quick_config

    save = Workdir.save_checkpoint, Workdir.save_stage

    def after_checkpoint(self, stage, step, *rest):
        save[0](self, stage, step, *rest)
        if stage == {stage!r} and step >= 100:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_stage(self, stage, arrays, record):
        if stage == {stage!r}:
            os.kill(os.getpid(), signal.SIGKILL)
        save[1](self, stage, arrays, record)

    Workdir.save_checkpoint, Workdir.save_stage = after_checkpoint, before_stage
    agents.training.loop.CHECKPOINT_SECONDS = 0
    Plan2Vec(quick_config(150)).fit(plane(), workdir={workdir!r}, progress=False)
"""


@pytest.mark.parametrize("stage", STAGES)
def test_a_fit_killed_in_any_stage_resumes_to_the_same_weights(stage, tmp_path):
    """Kill -9, not an exception: nothing gets a chance to tidy up."""
    (tmp_path / "tests_worlds.py").write_text((Path(__file__).parents[1] / "worlds.py").read_text())
    root = str(Path(agents.training.loop.__file__).parents[2])
    script = textwrap.dedent(KILLED).format(root=root, stage=stage, workdir=str(tmp_path / "run"))
    killed = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    done = {path.stem for path in (tmp_path / "run" / "stages").glob("*.json")}
    assert done == set(STAGES[: STAGES.index(stage)])
    Plan2Vec(quick_config(150)).fit(plane(), workdir=tmp_path / "run", progress=False)
    Plan2Vec(quick_config(150)).fit(plane(), workdir=tmp_path / "whole", progress=False)
    for name in STAGES:
        resumed, whole = (load_arrays(tmp_path / run / "stages" / f"{name}.safetensors") for run in ("run", "whole"))
        assert resumed.keys() == whole.keys()
        for key, array in whole.items():
            np.testing.assert_array_equal(resumed[key], array, err_msg=f"{name}/{key}")
    assert (tmp_path / "run" / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()
