"""Random drives through a world of places and pictures: what its learner sees."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from plan2vec_envs.image_graph import Views, WorldGraph

from ..errors import InvalidOptionError, check_whole
from ..records import Dataset

LEAST_LENGTH = 0.1
"""Metres of a step between two pictures taken at one coordinate."""


def collect_drives(
    world: WorldGraph,
    views: Views,
    *,
    horizon: int = 10,
    coverage: int = 4,
    passes: int = 1,
    odometry: float = 0.05,
    seed: int = 0,
) -> Dataset:
    """Drive at random along links until every place was seen often enough.

    A drive starts at one of the places that were seen least and turns at random, never back to a place that it came
    through, until it is long enough or stuck. A pass is one time of day: all pictures of a drive are number p of their
    places, so that with several passes places are seen again in other traffic and light.

    Args:
        world: the places.
        views: pictures of the same world.
        horizon: links of a drive at most (App. B.3: 10).
        coverage: times that every place is seen at least, over all passes.
        passes: how many, at most as many as there are pictures of each place.
        odometry: standard deviation of the error of a step's length, as a share of it. Exact lengths would tell links
            apart, each having its own.
        seed: decides everything drawn.

    Returns:
        A dataset without actions, its ``step_lengths`` in metres; ``oracle_position`` in metres is for evaluation.

    Raises:
        InvalidOptionError: if a number is out of range, or no link leads anywhere.
    """
    check_whole(1, horizon=horizon, coverage=coverage, passes=passes)
    if not 0 <= odometry < 1:
        raise InvalidOptionError(f"odometry {odometry}: an error is a share of a step's length, from 0 to below 1")
    if views.num_places != world.num_places:
        raise InvalidOptionError(f"views of {views.num_places} places do not belong to {world.num_places} places")
    fewest = int(np.diff(views.starts).min())
    if passes > fewest:
        raise InvalidOptionError(f"{passes} passes need as many pictures of every place; some place has {fewest}")
    if not world.num_links:
        raise InvalidOptionError(f"world {world.name!r} has no links to drive along")
    lonely = np.setdiff1d(np.arange(world.num_places), world.links)
    if len(lonely):
        raise InvalidOptionError(
            f"{len(lonely)} places of world {world.name!r} have no link, so no drive comes there; the first is "
            f"{lonely[0]}. Take its largest piece: world.take(world.components() == 0, name)"
        )
    rng = np.random.default_rng(seed)
    drives: list[list[int]] = []
    passed: list[int] = []
    for each in range(passes):
        wanted = coverage // passes + (each < coverage % passes)
        found = _drives(world, horizon, wanted, rng)
        drives += found
        passed += [each] * len(found)
    places = np.concatenate(drives)
    lengths = np.array([len(drive) for drive in drives])
    rows = views.rows(places, np.repeat(passed, lengths))
    steps = np.concatenate([_lengths(world, drive) for drive in drives])
    steps = steps * np.maximum(1 + odometry * rng.standard_normal(len(steps)), 0.1)
    return Dataset(
        observations=views.frames[rows],
        actions=None,
        episode_lengths=lengths - 1,
        oracle_position=world.oracle_position[places],
        env_id=None,
        step_lengths=np.maximum(steps, LEAST_LENGTH).astype(np.float32),
    )


def _drives(world: WorldGraph, horizon: int, coverage: int, rng: np.random.Generator) -> list[list[int]]:
    """Drives, each a list of places, that together come through every place so many times."""
    starts, ends = world.indptr.tolist(), world.indices.tolist()
    seen = np.zeros(world.num_places, int)
    drives = []
    for round_ in range(coverage):
        for start in rng.permutation(world.num_places).tolist():
            if seen[start] > round_:
                continue
            drive = _drive(start, starts, ends, horizon, rng)
            if len(drive) == 1:  # nowhere to go: a one-way end, seen by those who drive there
                into = np.flatnonzero(world.indices == start)
                drive = [int(world.links[into[0], 0]), start] if len(into) else drive
            if len(drive) > 1:
                np.add.at(seen, drive, 1)
                drives.append(drive)
    return drives


def _drive(start: int, starts: list[int], ends: list[int], horizon: int, rng: np.random.Generator) -> list[int]:
    drive, visited = [start], {start}
    for _ in range(horizon):
        choices = [end for end in ends[starts[drive[-1]] : starts[drive[-1] + 1]] if end not in visited]
        if not choices:
            break
        drive.append(choices[int(rng.integers(len(choices)))])
        visited.add(drive[-1])
    return drive


def _lengths(world: WorldGraph, drive: list[int]) -> np.ndarray:
    """Metres of each step of a drive."""
    links = [world.indptr[a] + np.searchsorted(world.neighbors(a), b) for a, b in pairwise(drive)]
    return world.lengths[links]
