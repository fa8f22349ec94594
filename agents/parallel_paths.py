"""Rows of shortest-path distances, by scipy's Dijkstra a few sources at a time, here or in several processes.

Each source is a run of its own, so rows are the same bits whoever computes them. The graph lies once in shared memory;
rows come back through pipes, into the one array that is returned.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from .errors import ConfigError, WorkerError

_AT_ONCE = 16_000_000  # distances in 64 bits, 128 MB

Layout = tuple[str, str, int]
"""of an array in shared memory: name of the memory, dtype, length"""


def rows_from(matrix: Any, sources: np.ndarray, jobs: int = 1) -> np.ndarray:
    """Distances (S, V) float32 from each of the (S,) sources; inf where there is no path.

    Args:
        matrix: (V, V) sparse, weights of directed edges.
        sources: vertices.
        jobs: processes; with 1, this process does it all. They start as new Pythons, which takes seconds: a script that
            asks for more than 1 has to have its work under ``if __name__ == "__main__"``.

    Raises:
        ConfigError: for less than one job.
        WorkerError: if a process died, or the graph does not fit the shared memory.
    """
    if jobs < 1:
        raise ConfigError(f"jobs is {jobs}; need at least 1, the processes among which sources are shared")
    sources = np.asarray(sources, np.int64).reshape(-1)
    graph = _as_scipy_wants(matrix)
    rows = np.empty((len(sources), graph.shape[0]), np.float32)
    jobs = min(jobs, len(sources))
    if jobs <= 1:
        for part, found in _parts(graph, sources):
            rows[part] = found
        return rows
    with _shared(graph.data, graph.indices, graph.indptr) as layouts:
        _gather(rows, layouts, np.array_split(np.arange(len(sources)), jobs), sources)
    return rows


def _as_scipy_wants(matrix: Any) -> csr_array:
    """In the types of scipy's Dijkstra, which otherwise converts the whole graph at every call."""
    return csr_array(
        (matrix.data.astype(np.float64), matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)),
        shape=matrix.shape,
    )


def _parts(graph: csr_array, sources: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    at_once = max(1, _AT_ONCE // graph.shape[0])
    for i in range(0, len(sources), at_once):
        part = slice(i, min(i + at_once, len(sources)))
        yield part, dijkstra(graph, directed=True, indices=sources[part]).astype(np.float32)


def _gather(rows: np.ndarray, layouts: list[Layout], shares: list[np.ndarray], sources: np.ndarray) -> None:
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    missing: dict[Connection, np.ndarray] = {}
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(
                target=_work, args=(theirs, layouts, rows.shape[1], sources[share], os.getpid()), daemon=True
            )
            with _interrupts_held():
                process.start()
                processes.append(process)
            theirs.close()  # so that the pipe ends with the process
            missing[ours] = share
        while missing:
            for ready in wait(list(missing)):
                assert isinstance(ready, Connection)
                share = missing[ready]
                try:
                    found = ready.recv()
                except EOFError:
                    raise WorkerError(
                        f"one of {len(shares)} processes that search shortest paths died, most likely for want of "
                        "memory; ask for fewer sources or jobs"
                    ) from None
                rows[share[: len(found)]] = found
                missing[ready] = share[len(found) :]
                if not len(missing[ready]):
                    del missing[ready]
                    ready.close()
    finally:
        for process in processes:  # those that are done have ended or are about to
            process.terminate()
            process.join()
        for ours in missing:
            ours.close()


def _work(theirs: Connection, layouts: list[Layout], vertices: int, sources: np.ndarray, parent: int) -> None:
    """What a process does: its sources, in order, a few at a time."""
    memories, arrays = zip(*(_attached(layout) for layout in layouts), strict=True)
    graph = csr_array(arrays, shape=(vertices, vertices))
    for _, found in _parts(graph, sources):
        if os.getppid() != parent:
            break  # whoever asked is gone
        theirs.send(found)
    theirs.close()
    del graph, arrays
    for memory in memories:
        memory.close()


def _attached(layout: Layout) -> tuple[SharedMemory, np.ndarray]:
    name, dtype, length = layout
    memory = SharedMemory(name)
    return memory, np.ndarray(length, dtype, memory.buf)


@contextmanager
def _shared(*arrays: np.ndarray) -> Iterator[list[Layout]]:
    """Copies of arrays in shared memory that is gone after the block."""
    needed, folder = sum(array.nbytes for array in arrays), Path("/dev/shm")
    if folder.is_dir() and shutil.disk_usage(folder).free < needed:  # writing there would kill this process
        raise WorkerError(
            f"the graph takes {needed / 1e6:,.0f} MB of shared memory and {folder} has less free, as in containers; "
            "give it more, or use jobs=1"
        )
    memories: list[SharedMemory] = []
    try:
        layouts = []
        for array in arrays:
            name = f"plan2vec-{os.getpid()}-{secrets.token_hex(4)}"  # says whose it is, should it ever be left behind
            memory = SharedMemory(name, create=True, size=max(1, array.nbytes))
            memories.append(memory)
            np.ndarray(array.shape, array.dtype, memory.buf)[:] = array
            layouts.append((memory.name, array.dtype.str, len(array)))
        yield layouts
    finally:
        for memory in memories:
            memory.close()
            memory.unlink()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C arrives after the block, and never in a process that starts in it: its parent ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
