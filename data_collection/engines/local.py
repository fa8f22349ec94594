"""Pieces of work in this process, or in processes of this machine that share memory."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..arrays import frozen
from ..errors import WorkerError, check_whole
from .pieces import DIED, ONE_THREAD, RETRIES, answer, result_of

_UP = b"up"
"""what a process says first; no answer is as short"""
_Layout = tuple[str, str, tuple[int, ...]]
"""of an array in shared memory: name of the memory, dtype, shape"""


class LocalEngine:
    """This process, or with more jobs as many processes of one thread each.

    They start as new Pythons, which takes seconds: a script that asks for more than one has to have its work under
    ``if __name__ == "__main__"``. Shared arrays lie once in shared memory.

    Raises:
        InvalidOptionError: for less than one job.
    """

    def __init__(self, jobs: int = 1) -> None:
        check_whole(1, jobs=jobs)
        self.jobs: int | None = jobs

    def map(
        self, work: Callable[..., Any], items: Iterable[Any], *, shared: Sequence[np.ndarray] = ()
    ) -> Iterator[tuple[int, Any]]:
        """As `Engine.map` says; with one job or one item, in this process."""
        assert self.jobs is not None
        numbered = enumerate(items)
        first = list(islice(numbered, 2)) if self.jobs > 1 else []
        numbered_again = chain(first, numbered)
        if len(first) < 2:
            arrays = [frozen(array) for array in shared]
            for index, item in numbered_again:
                yield index, work(item, *arrays)
            return
        with _in_shared_memory(shared) as layouts:
            crew = _Crew(work, layouts, self.jobs, numbered_again)
            try:
                yield from crew.results()
            finally:
                crew.end()


_Piece = tuple[int, Any]
"""number and item"""


@dataclass
class _Worker:
    process: BaseProcess
    piece: _Piece
    up: bool = False


class _Crew:
    """The processes, and what each is at."""

    def __init__(self, work: Callable[..., Any], layouts: list[_Layout], jobs: int, pieces: Iterator[_Piece]) -> None:
        self._work, self._layouts, self._jobs = work, layouts, jobs
        self._fresh = pieces
        self._again: list[_Piece] = []  # whose process died
        self._deaths: Counter[int] = Counter()
        self._workers: dict[Connection, _Worker] = {}
        self._processes: list[BaseProcess] = []

    def results(self) -> Iterator[tuple[int, Any]]:
        while True:
            while len(self._workers) < self._jobs and (piece := self._next()):
                self._start(piece)
            if not self._workers:
                return
            for pipe in wait(list(self._workers)):
                assert isinstance(pipe, Connection)
                worker = self._workers[pipe]
                try:
                    answered = pipe.recv_bytes()
                except (EOFError, OSError):
                    self._bury(pipe, worker)
                    continue
                if answered == _UP:
                    worker.up = True
                    self._send(pipe, worker)
                    continue
                done, _ = worker.piece
                if (piece := self._next()) is None:
                    del self._workers[pipe]
                    pipe.close()  # and the process ends
                else:
                    worker.piece = piece
                    self._send(pipe, worker)
                yield done, result_of(answered)

    def _next(self) -> _Piece | None:
        return self._again.pop() if self._again else next(self._fresh, None)

    def _start(self, piece: _Piece) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process: BaseProcess = context.Process(target=_serve, args=(theirs, self._work, self._layouts), daemon=True)
        with _interrupts_held(), _one_thread():
            process.start()
            self._processes.append(process)
        theirs.close()  # so that the pipe ends with the process
        self._workers[ours] = _Worker(process, piece)

    def _send(self, pipe: Connection, worker: _Worker) -> None:
        try:
            pipe.send(worker.piece[1])
        except OSError:
            self._bury(pipe, worker)

    def _bury(self, pipe: Connection, worker: _Worker) -> None:
        """A process died: its piece is for another one, unless that is tried too often."""
        del self._workers[pipe]
        pipe.close()
        worker.process.join()
        if not worker.up:
            raise WorkerError(
                f"a process ended with code {worker.process.exitcode} before it could begin, for a reason that it "
                'printed; a script that asks for several jobs needs its work under `if __name__ == "__main__":`'
            )
        self._deaths[worker.piece[0]] += 1
        if self._deaths[worker.piece[0]] > RETRIES:
            raise WorkerError(DIED)
        self._again.append(worker.piece)

    def end(self) -> None:
        """Ends all processes; those that are done have ended or are about to."""
        for process in self._processes:
            process.terminate()
            process.join()
        for pipe in self._workers:
            pipe.close()


def _serve(pipe: Connection, work: Callable[..., Any], layouts: list[_Layout]) -> None:
    """What a process does: one item after the other, until nobody asks any more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tqdm.set_lock(threading.RLock())  # its own takes a semaphore, which would outlive a process that is ended
    memories = [SharedMemory(name) for name, _, _ in layouts]  # kept as long as the arrays in them
    lent = zip(memories, layouts, strict=True)
    arrays = [frozen(np.ndarray(shape, dtype, memory.buf)) for memory, (_, dtype, shape) in lent]
    pipe.send_bytes(_UP)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            break
        pipe.send_bytes(answer(work, item, *arrays))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # memory cannot be closed as long as somebody holds an array in it


def _end_with_parent() -> None:
    """Whoever asked is gone: end in the midst of a piece, for a rerun must not meet a second writer."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that start in the block use one thread each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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


@contextmanager
def _in_shared_memory(arrays: Sequence[np.ndarray]) -> Iterator[list[_Layout]]:
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
