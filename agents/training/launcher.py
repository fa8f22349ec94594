"""What a launcher, such as torchrun, says about the processes of one fit; torch is not needed for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn

from ..errors import ExecutionError

_ALONE = ContextVar("_ALONE", default=False)


def started() -> int:
    """How many processes a launcher started for this fit; 1 without a launcher."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "WORLD_SIZE"} <= os.environ.keys() else 1


def is_alone() -> bool:
    """Whether this is inside of `alone`."""
    return _ALONE.get()


@contextmanager
def alone() -> Iterator[None]:
    """Inside, a fit is of this process only, whoever was started beside it: what one of several does after all."""
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
