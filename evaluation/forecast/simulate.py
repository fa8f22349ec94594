"""Stages on a cluster, event by event: a process that is free takes the next piece; what is killed begins again."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plan2vec_envs.errors import Plan2vecError

from .machines import GB, Cluster, Machine
from .stage import Stage


class DoesNotFitError(Plan2vecError, ValueError):
    """A piece of work needs more memory than a machine has."""


@dataclass(frozen=True)
class StageCost:
    """What a stage took."""

    stage: Stage
    processes: int
    """at once, on all machines"""
    wall: float
    """seconds by the clock"""
    busy: float
    """seconds of all processes at work, lost work included"""
    memory: float
    """bytes in use on a machine at most"""
    disk: float
    """bytes read and written on disks"""
    network: float
    """bytes moved between machines"""
    retries: int
    """pieces that were begun again"""


def simulate(stages: Sequence[Stage], cluster: Cluster, *, seed: int = 0) -> list[StageCost]:
    """Run stages one after the other.

    A process's computing overlaps with its reading, so a piece takes the longer of both. Bandwidth is divided evenly
    among the processes of a machine, also when some of them are idle: the last pieces are counted a little slow.

    Args:
        stages: in order.
        cluster: where.
        seed: of the failures.

    Raises:
        DoesNotFitError: if a stage needs more memory than a machine has.
    """
    rng = np.random.default_rng(seed)
    return [_run(stage, cluster, rng) for stage in stages]


def processes_of(stage: Stage, machine: Machine) -> int:
    """How many processes of a stage a machine runs at once: as many as it has cores or GPUs, and memory for.

    Raises:
        DoesNotFitError: if not even one.
    """
    most = machine.gpus if stage.device == "gpu" and machine.gpus else machine.cores
    free = machine.memory - stage.once
    if stage.memory > free:
        needed = stage.memory + stage.once
        raise DoesNotFitError(
            f"{stage.name}: a process needs {needed / GB:,.0f} GB where a machine has {machine.memory / GB:,.0f}"
        )
    return most if stage.memory == 0 else min(most, int(free / stage.memory))


def _run(stage: Stage, cluster: Cluster, rng: np.random.Generator) -> StageCost:
    machine = cluster.machine
    here = processes_of(stage, machine)
    count = min(here * cluster.count, stage.pieces)
    here = min(here, math.ceil(count / cluster.count))  # pieces are spread over machines before cores
    each, once = (stage.network, stage.once) if cluster.count > 1 else (0.0, 0.0)  # bytes that leave a machine
    seconds = max(stage.seconds, stage.disk * here / machine.disk, each * here / machine.network)
    begin = once / machine.network
    free = [begin] * count  # when each process is free; a heap, as all are equal
    ready = [begin] * stage.pieces  # when each piece can be taken: again, after the process at it was killed
    retries, busy, end = 0, 0.0, begin
    while ready:
        now = max(heapq.heappop(free), heapq.heappop(ready))
        lives = rng.exponential(3600 / cluster.failures) if cluster.failures else math.inf
        took = min(seconds, lives)
        if lives < seconds:
            retries += 1
            heapq.heappush(ready, now + took)
        busy += took
        end = max(end, now + took)
        heapq.heappush(free, now + took)
    done = stage.pieces + retries
    moved = each * done + once * min(cluster.count, count)
    return StageCost(stage, count, end, busy, stage.once + stage.memory * here, stage.disk * done, moved, retries)
