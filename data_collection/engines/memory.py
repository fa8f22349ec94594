"""Arrays in shared memory: written once, read by all processes of a machine, gone when the work is."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from ..arrays import frozen
from ..errors import WorkerError

Layout = tuple[str, str, tuple[int, ...]]
"""of an array in shared memory: name of the memory, dtype, shape"""


@contextmanager
def in_shared_memory(arrays: Sequence[np.ndarray]) -> Iterator[list[Layout]]:
    """Copies of arrays in shared memory that is gone after the block.

    Raises:
        WorkerError: if they do not fit.
    """
    needed, folder = sum(array.nbytes for array in arrays), Path("/dev/shm")
    if folder.is_dir() and shutil.disk_usage(folder).free < needed:  # writing there would kill this process
        raise WorkerError(
            f"the processes share {needed / 1e6:,.0f} MB of memory and {folder} has less free, as in containers; "
            "give it more, or use jobs=1"
        )
    memories: list[SharedMemory] = []
    try:
        layouts = []
        for array in arrays:
            name = f"plan2vec-{os.getpid()}-{secrets.token_hex(4)}"  # says whose it is, should it ever be left behind
            memory = SharedMemory(name, create=True, size=max(1, array.nbytes))
            memories.append(memory)
            np.ndarray(array.shape, array.dtype, memory.buf)[...] = array
            layouts.append((memory.name, array.dtype.str, array.shape))
        yield layouts
    finally:
        for memory in memories:
            memory.close()
            memory.unlink()


def attached(layout: Layout) -> tuple[SharedMemory, np.ndarray]:
    """The memory, which must be kept as long as the array, and the array, read-only."""
    name, dtype, shape = layout
    memory = SharedMemory(name)
    return memory, frozen(np.ndarray(shape, dtype, memory.buf))
