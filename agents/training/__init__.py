"""One seeded, resumable training loop and its files on disk.

Several processes may share one fit. What the rest of the project has to know of that are the functions here; torch is
loaded by `launch` alone.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .execution import Execution


def started() -> int:
    """How many processes a launcher started for this fit; 1 without a launcher."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "WORLD_SIZE"} <= os.environ.keys() else 1


def is_main() -> bool:
    """Whether this process reads, writes and speaks: of several the first."""
    return os.environ.get("RANK", "0") == "0"


def check_alone(why: str) -> None:
    """For work that several processes cannot share.

    Raises:
        ExecutionError: if a launcher started more than one, saying why that is wrong.
    """
    if started() > 1:
        from ..errors import ExecutionError

        raise ExecutionError(f"{started()} ranks were started, but {why}")


def launch(device: str, execution: Execution) -> bool:
    """Meet the other processes of this fit, if there are any.

    Args:
        device: "cpu" or "cuda", where they train.
        execution: how they train.

    Returns:
        Whether this process leads; all others wait for its word, by `agree`.

    Raises:
        DeviceError: if the device is absent.
        ExecutionError: if the processes cannot divide a step, or there are more of them than devices.
    """
    from .loop import resolve_device
    from .ranks import Ranks, asked_for, own_device

    where = own_device(resolve_device(device))
    Ranks(0, asked_for()).check(execution.accumulate)
    return Ranks.join(where).leads


def agree(word: Any = None) -> Any:
    """The word of the process that leads, in all processes of a fit that was launched; the others wait for it."""
    from .ranks import Ranks

    return Ranks.joined().agree(lambda: word)


def end(code: int) -> NoReturn:
    """End this process with an exit code; one of several without Python's own farewell.

    During that, a thread of the group may still let go of a tensor, and abort a process that has succeeded.
    """
    if started() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
