"""Where groups of cells run: in this process, in processes of this machine, or on a Ray cluster.

Whatever the engine, a group is run by the same function, and a finished cell is a file in the experiment's folder. So a
worker that is killed loses the cell it was at, and the same command goes on with what is missing.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from plan2vec_envs.errors import MissingExtraError, check_name

from ..errors import ResultsError

Work = Callable[[Any, int], None]
"""Runs one group; the second argument is the process that must stay alive for it, or 0 for none."""
ENGINES = ("local", "ray")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_RETRIES = 2  # of a group whose worker died


def run_groups(
    work: Work, groups: Sequence[Any], *, jobs: int, engine: str = "local", address: str | None = None
) -> None:
    """Every group once.

    Args:
        work: picklable.
        groups: its first arguments.
        jobs: at once; a thread each.
        engine: "local" or "ray".
        address: of a running Ray cluster whose machines share the folders of this one; None starts one here.

    Raises:
        UnknownNameError: for another engine.
        MissingExtraError: if Ray is asked for and not installed.
        ResultsError: if a process was killed.
    """
    check_name("engine", engine, ENGINES)
    if engine == "ray":
        _by_ray(work, groups, jobs, address)
    elif jobs == 1 or len(groups) < 2:
        for group in groups:
            work(group, os.getppid())
    else:
        _by_processes(work, groups, jobs)


def _by_processes(work: Work, groups: Sequence[Any], jobs: int) -> None:
    for name in _THREADS:
        os.environ[name] = "1"  # read by the children when they start
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(groups)), mp_context=context) as pool:
        futures = [pool.submit(work, group, os.getpid()) for group in groups]
        try:
            for future in as_completed(futures):
                future.result()
        except BrokenProcessPool as error:
            raise ResultsError(
                f"one of {jobs} processes was killed, most likely for want of memory; what was done is kept: "
                "run the same command again, with fewer --jobs"
            ) from error
        except BaseException:
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            raise


def _by_ray(work: Work, groups: Sequence[Any], jobs: int, address: str | None) -> None:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("engine 'ray' needs Ray; install it with `pip install -e '.[ray]'`") from error
    if not groups:
        return
    environment = {"env_vars": {**dict.fromkeys(_THREADS, "1"), **_forwarded()}}
    if address is None:
        ray.init(num_cpus=jobs, include_dashboard=False, runtime_env=environment, log_to_driver=True)
    else:
        ray.init(address=address, runtime_env=environment, log_to_driver=True)
    try:
        # A worker that dies is replaced, and the group goes on at its first missing cell.
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_task)
        waiting = [task.remote(work, group) for group in groups]
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1)
            ray.get(done)
    except ray.exceptions.WorkerCrashedError as error:
        raise ResultsError(
            f"a Ray worker was killed {_RETRIES + 1} times over one group; what was done is kept: run the same command "
            "again, with fewer --jobs"
        ) from error
    finally:
        ray.shutdown()


def _task(work: Work, group: Any) -> None:
    work(group, 0)


def _forwarded() -> dict[str, str]:
    """Our own variables, which decide where data and caches lie, and where Python finds the package."""
    return {name: value for name, value in os.environ.items() if name.startswith("PLAN2VEC_") or name == "PYTHONPATH"}
