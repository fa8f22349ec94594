"""What engines have in common: how a piece is run in another process, and how its end comes back."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import WorkerError
from ..registry import load_plugins

RETRIES = 2
"""of a piece whose process died"""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""environment of a process that is one of many"""
DIED = (
    f"a process was killed {RETRIES + 1} times over the same piece of work, most likely for want of memory; use fewer "
    "jobs (what is kept on disk is not done again)"
)


def answer(work: Callable[..., Any], item: Any, *shared: np.ndarray) -> bytes:
    """The result of a piece, or the error that it raised, for `result_of` in the process that asked."""
    try:
        load_plugins()  # in a process of its own nobody else has
        return pickle.dumps((True, work(item, *shared)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note("in a process of its own:\n" + traceback.format_exc())
        try:
            found = pickle.dumps((False, error))
            pickle.loads(found)  # an exception with arguments of its own need not come back
        except Exception:
            found = pickle.dumps((False, WorkerError(f"{type(error).__name__}: {error}")))
        return found


def result_of(answered: bytes) -> Any:
    """What `answer` found.

    Raises:
        Exception: whatever the piece raised, with a note that says where.
    """
    well, found = pickle.loads(answered)
    if not well:
        raise found
    return found
