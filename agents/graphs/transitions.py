"""Which recorded steps are one step of the way: pauses and jumps are none. Time differences are not distances."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data_collection import Dataset

_AT_ONCE = 2**23  # bytes of observations that are compared at a time


def typical_step(lengths: np.ndarray) -> float:
    """Half of all the way that was recorded is covered by steps at least this long.

    Pauses cover hardly any of the way, so they do not move it, however many they are; a mean or a median sinks with
    them. Jumps move it only where they are half of the way.

    Args:
        lengths: (M,) of recorded steps, at least 0.

    Returns:
        One of them; 0 where nothing moved.
    """
    longest_first = np.sort(np.asarray(lengths, np.float64))[::-1]
    way = np.cumsum(longest_first)
    return float(longest_first[np.searchsorted(way, way[-1] / 2)]) if len(way) and way[-1] > 0 else 0.0


def jump_steps(lengths: np.ndarray, jumps: float) -> np.ndarray:
    """(M,) bool, which of (M,) recorded steps are longer than ``jumps`` typical ones."""
    typical = typical_step(lengths)
    return lengths > jumps * typical if typical > 0 else np.zeros(len(lengths), bool)


def crosses(dataset: Dataset, pairs: np.ndarray, jumped: np.ndarray) -> np.ndarray:
    """Which pairs have a jump recorded between them.

    Args:
        dataset: Where they were recorded.
        pairs: (P, 2) rows, each of one trajectory, the earlier one first.
        jumped: (M,) bool, which of ``dataset.transitions`` are jumps.

    Returns:
        (P,) bool.
    """
    before = np.zeros(dataset.num_observations, np.int64)
    before[dataset.transitions[jumped, 1]] = 1
    before = before.cumsum()
    return before[pairs[:, 0]] != before[pairs[:, 1]]


def moving_transitions(dataset: Dataset, reach: int = 1, *, pauses: float = 0.0, jumps: float = 0.0) -> np.ndarray:
    """(M', 2) recorded steps whose two frames differ; a blocked action says nothing about one step.

    Args:
        dataset: Recorded trajectories.
        reach: Frames up to so many recorded steps apart.
        pauses: Frames that differ by no more than so many typical steps are left out too, ...
        jumps: ... and so are those with a step between them that is longer than so many; 0 leaves out none.
    """
    pairs = dataset.transitions if reach == 1 else dataset.pairs_within(reach)
    if not (pauses or jumps):
        moved = differ(dataset.observations, pairs)
        return pairs[moved] if moved.any() else pairs
    steps = step_lengths(dataset.observations, dataset.transitions)
    gaps = steps if reach == 1 else step_lengths(dataset.observations, pairs)
    moved = gaps > pauses * typical_step(steps)
    if jumps:
        moved &= ~crosses(dataset, pairs, jump_steps(steps, jumps))
    return pairs[moved] if moved.any() else pairs


def differ(observations: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(P,) bool, whether the observations of (P, 2) rows differ in any entry."""
    found = np.empty(len(pairs), bool)
    for part in _parts(observations, pairs):
        before, after = (observations[rows] for rows in pairs[part].T)
        found[part] = (before != after).reshape(len(before), -1).any(1)
    return found


def step_lengths(observations: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(P,) float64, Euclidean distance of the observations of (P, 2) rows."""
    found = np.empty(len(pairs))
    for part in _parts(observations, pairs):
        before, after = (observations[rows].astype(np.float64) for rows in pairs[part].T)
        found[part] = np.linalg.norm((after - before).reshape(len(before), -1), axis=1)
    return found


def _parts(observations: np.ndarray, pairs: np.ndarray) -> Iterator[slice]:
    at_once = max(1, _AT_ONCE // max(1, observations[:1].nbytes))
    for i in range(0, len(pairs), at_once):
        yield slice(i, i + at_once)
