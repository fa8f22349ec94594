"""Stages on a cluster, event by event: a process that is free takes the next piece; what is killed begins again."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plan2vec_envs.errors import InvalidOptionError, Plan2vecError

from .machines import GB, Cluster, Machine
from .stage import Stage

_MOST_KILLED = 7.0
"""failures while a piece is worked on, on average; e^7 beginnings are a thousand"""


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
            f"{stage.name}: a process needs {needed / GB:,.3g} GB where a machine has {machine.memory / GB:,.3g}"
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
    _check_failures(stage, seconds, cluster)
    # When each piece can be taken, and what is left of it: again, after the process at it was killed.
    ready = [(begin, seconds)] * stage.pieces
    retries, busy, end = 0, 0.0, begin
    while ready:
        since, left = heapq.heappop(ready)
        now = max(heapq.heappop(free), since)
        lives = rng.exponential(3600 / cluster.failures) if cluster.failures else math.inf
        took = min(left, lives)
        if lives < left:
            retries += 1
            done = 0.0 if stage.keeps is None else lives - lives % stage.keeps if stage.keeps else lives
            heapq.heappush(ready, (now + took, left - done))
        busy += took
        end = max(end, now + took)
        heapq.heappush(free, now + took)
    begun = stage.pieces + (retries if stage.keeps is None else 0)
    moved = each * begun + once * min(cluster.count, count)
    return StageCost(stage, count, end, busy, stage.once + stage.memory * here, stage.disk * begun, moved, retries)


def _check_failures(stage: Stage, seconds: float, cluster: Cluster) -> None:
    """Whether pieces come to an end: from the beginning, E = (e^(r t) - 1) / r seconds each."""
    alone = seconds if stage.keeps is None else min(seconds, stage.keeps)
    if alone * cluster.failures / 3600 > _MOST_KILLED:
        raise InvalidOptionError(
            f"{stage.name}: {cluster.failures:g} failures an hour kill a process every {3600 / cluster.failures:.2g} "
            f"s, and a piece takes {alone:.2g} s, so it would hardly ever end; give fewer failures"
        )
