"""Pieces of work on a Ray cluster: one that runs, or one that is started on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np

from ..errors import WorkerError, check_whole, import_extra
from .pieces import DIED, ONE_THREAD, RETRIES, answer, result_of


class RayEngine:
    """A processor of the cluster for each piece; shared arrays are put there once, and read where they lie.

    A cluster that was joined with ``ray.init`` before is used and left as it is; otherwise one is joined, or started,
    for each call of `map`.

    Args:
        jobs: pieces at once; None for as many as there are processors.
        address: of the cluster; None starts one on this machine.

    Raises:
        InvalidOptionError: for less than one job.
    """

    def __init__(self, jobs: int | None = None, address: str | None = None) -> None:
        if jobs is not None:
            check_whole(1, jobs=jobs)
        self.jobs = jobs
        self._address = address

    def map(
        self, work: Callable[..., Any], items: Iterable[Any], *, shared: Sequence[np.ndarray] = ()
    ) -> Iterator[tuple[int, Any]]:
        """As `Engine.map` says."""
        ray = import_extra("ray", "engine 'ray'", "ray")
        with self._joined(ray):
            self.jobs = self.jobs or int(ray.cluster_resources().get("CPU", 1))
            task = ray.remote(num_cpus=1, max_retries=RETRIES)(answer)
            work_there, arrays_there = ray.put(work), [ray.put(np.ascontiguousarray(array)) for array in shared]
            numbered = enumerate(items)
            running: dict[Any, int] = {}

            def start(how_many: int) -> None:
                for index, item in islice(numbered, how_many):
                    running[task.remote(work_there, item, *arrays_there)] = index

            try:
                start(self.jobs)
                while running:
                    (done,), _ = ray.wait(list(running), num_returns=1)
                    index = running.pop(done)
                    answered = ray.get(done)  # bytes, so that nothing points into the cluster's memory
                    start(1)
                    yield index, result_of(answered)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                raise WorkerError(DIED) from error
            except ray.exceptions.RayError as error:
                raise WorkerError(f"Ray could not run the work: {error}") from error
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)

    @contextmanager
    def _joined(self, ray: Any) -> Iterator[None]:
        if ray.is_initialized():
            yield
            return
        # Our own variables decide where data and caches lie, the other where Python finds the package.
        ours = {name: value for name, value in os.environ.items() if name.startswith("PLAN2VEC_")}
        ours |= {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
        options: dict[str, Any] = {"runtime_env": {"env_vars": {**ONE_THREAD, **ours}}, "log_to_driver": True}
        try:
            if self._address is None:  # in words, or Ray would join one that it finds on this machine
                ray.init(address="local", num_cpus=self.jobs, include_dashboard=False, **options)
            else:
                ray.init(address=self._address, **options)
        except ConnectionError as error:
            raise WorkerError(
                f"no Ray cluster answers at {self._address!r}: {error}; `ray start --head` starts one and says its "
                "address, and both sides need the same RAY_AUTH_MODE"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()
