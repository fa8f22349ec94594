"""One seeded, resumable training loop and its files on disk.

Several processes may share one fit. What the rest of the project has to know of that are the functions here; torch is
loaded by `launch` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .execution import alone, check_alone, end, is_main

if TYPE_CHECKING:
    from .execution import Execution

__all__ = ["agree", "alone", "check_alone", "end", "is_main", "launch"]


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
