"""The one training loop: seeded step by step, checkpointed, resumable, logged.

Every step draws its batch from a generator made of (seed, stage, step), and the learning rate is a function of the
step alone. So a checkpoint needs only weights, optimiser and step, and a run that was killed and resumed ends with
the same bits as one that was not.
"""

from __future__ import annotations

import math
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ..errors import CheckpointError, DeviceError, TrainingDivergedError
from ..networks import Frames, Trunk
from .execution import DEFAULT_EXECUTION, Execution
from .gradient_steps import Batch, Draws, GradientSteps, Tensors, Update
from .ranks import ALONE, Ranks, own_device
from .saving import Arrays
from .workdir import Workdir, unfit_checkpoint

CHECKPOINT_SECONDS = 2.0  # what a kill may cost
_INITIALISATION = 2**32  # a step number that no training reaches


@dataclass(frozen=True)
class StageLog:
    """What one stage of ``fit`` cost and reached; ``figures`` are validation numbers by name."""

    stage: str
    wall_seconds: float
    cpu_seconds: float
    figures: dict[str, float] = field(default_factory=dict)


class Part(Protocol):
    """What a stage of a fit learns."""

    def arrays(self) -> Arrays:
        """Everything learned, as arrays by name."""
        ...


class Clock:
    """Wall and CPU seconds of a stage, those of an interrupted earlier run included."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start from nothing."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def add(self, wall: float, cpu: float) -> None:
        """Count seconds that were spent before."""
        self._wall -= wall
        self._cpu -= cpu

    def spent(self) -> tuple[float, float]:
        """(wall, CPU) seconds so far."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


@dataclass(frozen=True)
class Training:
    """What a fit runs with: beside what it learns, its seed, device and execution decide the result."""

    seed: int
    workdir: Workdir
    device: torch.device
    progress: bool = True
    label: str | None = None  # on the progress bar, in place of the stage's name
    execution: Execution = DEFAULT_EXECUTION
    ranks: Ranks = ALONE
    checkpoint_seconds: float = field(default_factory=lambda: CHECKPOINT_SECONDS)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.ranks.check(self.execution.accumulate)

    @classmethod
    def begin(
        cls,
        seed: int,
        *,
        workdir: Path | str | None = None,
        device: str = "cpu",
        progress: bool = True,
        tensorboard: bool = False,
        execution: Execution = DEFAULT_EXECUTION,
        label: str | None = None,
    ) -> Training:
        """What the arguments of ``fit`` ask for; the first of several ranks alone gets the folder and the bar.

        Raises:
            DeviceError: if the device is absent.
            ExecutionError: if the ranks cannot divide a step.
        """
        where = own_device(resolve_device(device))
        ranks = Ranks.join(where)
        kept = Workdir(workdir, tensorboard=tensorboard) if ranks.leads else Workdir(None)
        return cls(seed, kept, where, progress and ranks.leads, label, execution, ranks)

    def rng(self, stage: str, step: int, micro: int = 0) -> np.random.Generator:
        """The generator of one micro-batch of one step of one stage."""
        root = [self.seed, zlib.crc32(stage.encode()), step]
        return np.random.default_rng([*root, micro] if micro else root)

    def frames(self, network: Trunk | None, observations: np.ndarray) -> Frames:
        """Observations to learn from, as the network takes them, on the device as far as they fit."""
        return Frames(network, observations, self.device, self.execution.frame_bytes)

    @contextmanager
    def seeded_torch(self, stage: str) -> Iterator[None]:
        """Torch's global generator seeded for ``stage``, and restored afterwards: for initialising networks."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self.rng(stage, _INITIALISATION).integers(2**31)))
            yield


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Everything inside runs with one torch thread, the same on every machine.

    Small batches lose more to waking threads than they gain, and on a busy processor waiting threads cost several
    times the work. It also keeps results independent of the number of cores. Entering costs less than a microsecond.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resolve_device(name: str) -> torch.device:
    """The torch device called ``name`` ("cpu", "cuda", "cuda:1").

    Raises:
        DeviceError: if it is unknown or absent.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"unknown device {name!r}; use 'cpu' or 'cuda'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        built = torch.version.cuda or "without CUDA"
        raise DeviceError(
            f"device {name!r} was asked for, but torch {torch.__version__} (built {built}) sees no CUDA device; "
            "use --device cpu, or install a CUDA build of torch and check `plan2vec doctor`"
        )
    return device


def train(
    stage: str,
    network: nn.Module,
    sample: Callable[[np.random.Generator], Batch],
    loss: Callable[[Tensors], torch.Tensor],
    config: Any,
    training: Training,
    *,
    frames: Frames | None = None,
    rows: Callable[[Batch], np.ndarray] | None = None,
    ahead: bool = True,
    log_every: int = 50,
) -> float:
    """Minimise ``loss(sample(rng))`` by Adam with a one-cycle schedule; returns the last logged loss.

    Resumes from the stage's checkpoint if the working folder has one; a kill costs a few seconds of work.

    Args:
        stage: Name in logs, checkpoints and random streams.
        network: Trained in place; already on the device.
        sample: Draws a batch of row numbers and targets; the only source of randomness.
        loss: Scalar loss of a batch, whose arrays have become tensors on the device. A step of several micro-batches
            takes the mean of their losses, each computed without a sight of the others.
        config: Its ``steps`` are the gradient steps in all, those of an interrupted run included, and its
            ``learning_rate`` is the peak of the one-cycle schedule.
        training: Seed, folder, device, progress, execution, ranks.
        frames: What the stage learns from, if from frames: ``loss`` finds those of a batch under "frames".
        rows: Of a batch, the (K,) rows of ``frames`` that its loss needs, in that order.
        ahead: Whether ``sample`` depends on nothing but its generator, so that a batch may be drawn a step too early.
        log_every: Steps between two rows of metrics.csv.

    Raises:
        TrainingDivergedError: if the loss is NaN or infinite; the batch is saved in the working folder.
        ExecutionError: if the fit cannot be deterministic, as was asked for.
    """
    how: dict[str, Any] = {"steps": config.steps, "device": training.device, "ranks": training.ranks}
    execution, rng_of = training.execution, partial(training.rng, stage)
    draws = Draws(sample, rng_of, accumulate=execution.accumulate, frames=frames, rows=rows, ahead=ahead, **how)
    update = GradientSteps(network, draws, loss, learning_rate=config.learning_rate, execution=execution, **how)
    try:
        return run_updates(
            stage, network, update.optimizer, update, steps=config.steps, training=training, log_every=log_every
        )
    finally:
        draws.close()


def run_updates(
    stage: str,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    update: Callable[[int], Update],
    *,
    steps: int,
    training: Training,
    log_every: int = 50,
) -> float:
    """Call ``update(step)`` for every step that is left, with checkpoints, metrics and a bar; the last logged loss.

    Args:
        stage: Name in logs and checkpoints.
        network: All that a checkpoint must hold beside the optimiser.
        optimizer: Of the network.
        update: Makes one gradient step, drawing on nothing but the step's number; returns loss, learning rate, batch.
        steps: Gradient steps in all, those of an interrupted run included.
        training: Folder, progress.
        log_every: Steps between two rows of metrics.csv.

    Raises:
        TrainingDivergedError: if the loss is NaN or infinite; the batch is saved in the working folder.
    """
    workdir = training.workdir
    training.ranks.equalise(network)
    step, mean_loss = _resume(stage, network, optimizer, training)
    bar = tqdm(
        total=steps,
        initial=step,
        desc=f"{training.label or stage:>8}",
        unit="step",
        disable=not training.progress,
        mininterval=0.1 if sys.stderr.isatty() else 10,  # a log file need not hold every tenth of a second
    )
    saved = time.perf_counter()
    losses: list[torch.Tensor] = []
    network.train()
    try:
        with training.execution.reproducibly():
            while step < steps:
                value, rate, batch = update(step)
                losses.append(value)
                step += 1
                bar.update()
                if step % log_every == 0 or step == steps:
                    mean_loss = float(torch.stack(losses).mean())
                    if not math.isfinite(mean_loss):
                        _stop_diverged(stage, step, batch, mean_loss, training)
                    losses.clear()
                    workdir.log(stage, step, {"loss": mean_loss, "learning_rate": rate})
                    bar.set_postfix(loss=f"{mean_loss:.4f}", refresh=False)
                    # Only here: a checkpoint between two log rows would change what the next row averages.
                    if time.perf_counter() - saved > training.checkpoint_seconds:
                        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
                        workdir.save_checkpoint(stage, step, mean_loss, training.clock.spent(), state)
                        saved = time.perf_counter()
    finally:
        bar.close()
        network.eval()
    return mean_loss


def _resume(stage: str, network: nn.Module, optimizer: torch.optim.Optimizer, training: Training) -> tuple[int, float]:
    """Restore network, optimiser and clock; returns (steps done, last loss), (0, NaN) without a checkpoint.

    Raises:
        CheckpointError: if the checkpoint does not fit the network or is damaged.
    """
    found = training.ranks.agree(lambda: training.workdir.load_checkpoint(stage))
    step, loss = 0, float("nan")
    if found is not None:
        try:
            network.load_state_dict(found["network"])
            optimizer.load_state_dict(found["optimizer"])
            step, loss = found["step"], found["loss"]
            training.clock.add(*found["spent"])
        except Exception as error:
            raise CheckpointError(unfit_checkpoint(stage, error)) from error
    training.workdir.keep_rows(stage, lambda logged: logged <= step)
    return step, loss


def _stop_diverged(stage: str, step: int, batch: Batch, value: float, training: Training) -> None:
    path = training.workdir.save_batch(stage, step, batch)
    kept = f"the last batch is in {path}" if path else "give a workdir to keep the batch"
    raise TrainingDivergedError(
        f"stage {stage!r}: the loss became {value} within the steps before {step}; {kept}. "
        "Check the observations for constant or extreme values, or lower the learning rate."
    )
