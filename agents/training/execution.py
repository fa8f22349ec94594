"""How a fit runs, as opposed to what it learns: precision, reproducibility, the size of a step, by which processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NoReturn, get_args

from data_collection.errors import check_name

from ..errors import ConfigError, ExecutionError

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_NO_EFFECT = ("frame_bytes",)  # on results
_ALONE = ContextVar("_ALONE", default=False)
_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"  # without it products of matrices on CUDA may differ from run to run


@dataclass(frozen=True)
class Execution:
    """How a fit runs. The defaults are what every number of this project was made with."""

    precision: Precision = "float32"
    """of the networks' forward pass while they learn: convolutions and products in "bfloat16" are quicker on some CUDA
    devices; weights stay float32"""
    deterministic: bool = False
    """the same bits from the same seed on the same device, also on CUDA; what cannot promise that is refused. On a CPU
    that is so anyway"""
    accumulate: int = 1
    """micro-batches of a gradient step, whose gradients are averaged: a step sees so many times the data. Each is drawn
    by itself, and what compares the frames of a batch with each other (the hinge against other trajectories, blocks of
    landmarks) sees those of its own micro-batch only. Several ranks divide them (docs/training.md)"""
    frame_bytes: int | None = None
    """bytes that the frames of a stage may take on the device; None for half of what is free. More frames than that
    stay where they are, and each batch is read from there one step ahead: the same results"""

    def __post_init__(self) -> None:
        check_name("precision", self.precision, PRECISIONS)
        if self.accumulate < 1:
            raise ConfigError(f"accumulate is {self.accumulate}; a step has at least 1 micro-batch")
        if self.frame_bytes is not None and self.frame_bytes < 0:
            raise ConfigError(f"frame_bytes is {self.frame_bytes}; 0 reads every batch anew, None takes what is free")

    def identity(self) -> dict[str, Any]:
        """What of it can change a bit of the result, by name, where it is not the default."""
        defaults = {entry.name: entry.default for entry in fields(self)}
        return {
            name: value for name, value in asdict(self).items() if name not in _NO_EFFECT and value != defaults[name]
        }

    @contextmanager
    def reproducibly(self) -> Iterator[None]:
        """Inside, torch gives the same bits for the same work, if asked for; its state is restored afterwards.

        Raises:
            ExecutionError: if an operation inside has no deterministic implementation on the device.
        """
        if not self.deterministic:
            yield
            return
        import torch  # lazily: how to run a fit is known without it

        cudnn = torch.backends.cudnn
        before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        flags, workspace = (cudnn.deterministic, cudnn.benchmark), os.environ.get(_CUBLAS)
        os.environ.setdefault(_CUBLAS, ":4096:8")
        torch.use_deterministic_algorithms(True)
        cudnn.deterministic, cudnn.benchmark = True, False
        try:
            yield
        except RuntimeError as error:
            if "deterministic" not in str(error) or isinstance(error, ExecutionError):
                raise
            raise ExecutionError(
                f"a deterministic fit was asked for, and this one uses an operation that is not: {error}. "
                "Choose another network or head, train on the CPU, or leave deterministic out"
            ) from error
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            cudnn.deterministic, cudnn.benchmark = flags
            if workspace is None:
                del os.environ[_CUBLAS]


DEFAULT_EXECUTION = Execution()


def started() -> int:
    """How many processes a launcher, such as torchrun, started for this fit; 1 without a launcher."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "WORLD_SIZE"} <= os.environ.keys() else 1


def is_alone() -> bool:
    """Whether this is inside of `alone`."""
    return _ALONE.get()


@contextmanager
def alone() -> Iterator[None]:
    """Inside, a fit is run by this process alone, even if a launcher started several."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def is_main() -> bool:
    """Whether this process reads, writes and speaks: of several the first."""
    return os.environ.get("RANK", "0") == "0"


def check_alone(why: str) -> None:
    """For work that several processes cannot share.

    Raises:
        ExecutionError: if a launcher started more than one, saying why that is wrong.
    """
    if started() > 1:
        raise ExecutionError(f"{started()} ranks were started, but {why}")


def end(code: int) -> NoReturn:
    """End this process with an exit code; one of several without Python's own farewell.

    During that, a thread of the group may still let go of a tensor, and abort a process that has succeeded.
    """
    if started() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
