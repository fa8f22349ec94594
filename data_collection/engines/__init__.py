"""Where independent pieces of work run: in this process, in processes of this machine, or on a Ray cluster.

Whatever the engine, a piece is run by the same function on the same values, so results are the same. An engine keeps
nothing: who wants to go on after a stop writes each result down as it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from plan2vec_envs.errors import InvalidOptionError, check_name

from .local import LocalEngine
from .on_ray import RayEngine

__all__ = ["ENGINES", "Engine", "LocalEngine", "RayEngine", "get_engine"]

ENGINES = ("local", "ray")


class Engine(Protocol):
    """Runs pieces of work.

    Attributes:
        jobs: pieces at once; None for as many as a cluster has processors, until it was asked.
    """

    jobs: int | None

    def map(
        self, work: Callable[..., Any], items: Iterable[Any], *, shared: Sequence[np.ndarray] = ()
    ) -> Iterator[tuple[int, Any]]:
        """``work(item, *shared)`` of every item, as (number of the item, result), in the order in which they are done.

        A process that dies is replaced and its item is worked on again; an error that ``work`` raises is raised here,
        and ends all. So do Ctrl-C and closing the iterator.

        Args:
            work: a function of a module, or a ``functools.partial`` of one; like items and results it can be pickled.
            items: drawn one by one when there is somebody to work on them, so they may be made as they are asked for.
            shared: arrays that every piece reads, sent once; ``work`` must not write to them.

        Raises:
            WorkerError: if a process died over and over, cannot start, or shared memory is too small.
            MissingExtraError: if Ray is asked for and not installed.
        """
        ...


def get_engine(name: str = "local", jobs: int | None = None, address: str | None = None) -> Engine:
    """The engine of that name.

    Args:
        name: "local" or "ray".
        jobs: pieces at once, a process with one thread each. None: "local" works in this process, "ray" on every
            processor there is.
        address: of a running Ray cluster whose machines have this code; None starts one on this machine.

    Raises:
        UnknownNameError: for another name.
        InvalidOptionError: for less than one job, or an address without Ray.
    """
    if check_name("engine", name, ENGINES) == "ray":
        return RayEngine(jobs, address)
    if address is not None:
        raise InvalidOptionError(f"address {address!r} is that of a Ray cluster; add engine 'ray', or leave it out")
    return LocalEngine(1 if jobs is None else jobs)
