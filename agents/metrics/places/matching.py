"""Which frames of different drives show one place: those that agree as sequences, not just as pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from ...graphs.lengths import lengths_of
from ..nearest import k_nearest


class Neighbours(NamedTuple):
    """What was recorded next to each of U frames, before or after it in some sequence."""

    matrix: scipy.sparse.csr_array
    """(U, U) symmetric, ones"""

    @classmethod
    def of(cls, num_frames: int, steps: np.ndarray) -> Neighbours:
        """From (R, 2) recorded steps between frames."""
        both = np.concatenate([steps, steps[:, ::-1]])
        both = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
        ones = np.ones(len(both), np.float32)
        return cls(scipy.sparse.csr_array((ones, (both[:, 0], both[:, 1])), shape=(num_frames, num_frames)))

    def lists(self) -> list[list[int]]:
        """Neighbours of each frame."""
        ends, starts = self.matrix.indices.tolist(), self.matrix.indptr.tolist()
        return [ends[starts[i] : starts[i + 1]] for i in range(len(starts) - 1)]


def group_frames(
    latents: np.ndarray, neighbours: Neighbours, threshold: float, candidates: int, *, supported_only: bool = True
) -> tuple[np.ndarray, dict[str, float]]:
    """Places as groups of frames that match; see ``find_matches`` and ``merge_matches``.

    Returns:
        (U,) int64 place of each frame, and figures: ``matches`` that were merged by, and those ``refused``.
    """
    pairs, supported = find_matches(latents, neighbours, threshold, candidates)
    pairs = pairs[supported] if supported_only else pairs
    places, refused = merge_matches(latents, neighbours, pairs, threshold)
    return places, {"matches": float(len(pairs)), "refused": float(refused)}


def pairs_within(places: np.ndarray) -> np.ndarray:
    """(P, 2) all pairs of frames of one place, left < right, from the (U,) place of each frame."""
    order = np.argsort(places, kind="stable")
    counts = np.bincount(places)
    start = np.cumsum(counts) - counts
    pairs = []
    for size in np.unique(counts[counts > 1]):
        rows = order[start[counts == size][:, None] + np.arange(size)]
        left, right = np.triu_indices(size, 1)
        pairs.append(np.stack([rows[:, left], rows[:, right]], -1).reshape(-1, 2))
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)


def find_matches(
    latents: np.ndarray, neighbours: Neighbours, threshold: float, candidates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of frames that show one place, and how well the drives around them agree.

    A pair matches if it is near enough, was not recorded as a step, and is the best of its surroundings: neither frame
    is nearer to a recorded neighbour of the other. It is supported if some neighbours of both match too.

    Args:
        latents: (U, D) float32.
        neighbours: of the U frames.
        threshold: largest distance of a match; infinite for none.
        candidates: nearest frames that are looked at for each frame.

    Returns:
        (P, 2) pairs, left < right, and (P,) bool, whether each is supported.
    """
    rows, _ = k_nearest(latents, latents, candidates + 1)
    pairs = np.stack([np.repeat(np.arange(len(latents)), rows.shape[1]), rows.ravel()], 1)
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    distance = lengths_of(latents, pairs)
    near = distance <= threshold
    pairs, distance = pairs[near], distance[near]
    if not len(pairs):
        return pairs, np.zeros(0, bool)
    recorded = np.asarray(neighbours.matrix[pairs[:, 0], pairs[:, 1]]).ravel() > 0
    pairs, distance = pairs[~recorded], distance[~recorded]
    if not len(pairs):
        return pairs, np.zeros(0, bool)
    best = _is_best(latents, neighbours.matrix, pairs, distance)
    best &= _is_best(latents, neighbours.matrix, pairs[:, ::-1], distance)
    pairs = pairs[best]
    return pairs, _supported(neighbours.matrix, pairs)


def _is_best(latents: np.ndarray, steps: scipy.sparse.csr_array, pairs: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(P,) bool, whether the left frame is at least as near to the right one as to the neighbours of that."""
    counts = np.diff(steps.indptr)[pairs[:, 1]]
    first = steps.indptr[pairs[:, 1]]
    which = np.repeat(np.arange(len(pairs)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    others = steps.indices[np.repeat(first, counts) + offset]
    gap = lengths_of(latents, np.stack([pairs[which, 0], others], 1))
    least = np.full(len(pairs), np.inf, np.float32)
    np.minimum.at(least, which, gap)
    return distance <= least


def _supported(steps: scipy.sparse.csr_array, pairs: np.ndarray) -> np.ndarray:
    """(P,) bool, whether a neighbour of one frame matches a neighbour of the other."""
    size = steps.shape[0]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    matches = scipy.sparse.csr_array((np.ones(len(both), np.float32), (both[:, 0], both[:, 1])), shape=(size, size))
    carried = (steps @ matches @ steps).multiply(matches).tocsr()
    return np.asarray(carried[pairs[:, 0], pairs[:, 1]]).ravel() > 0 if len(pairs) else np.zeros(0, bool)


def merge_matches(
    latents: np.ndarray, neighbours: Neighbours, pairs: np.ndarray, threshold: float
) -> tuple[np.ndarray, int]:
    """Places as groups of matching frames, the surest matches first.

    Two groups that a match joins become one only if their frames are near each other on average (average linkage,
    Sokal and Michener 1958), and if no recorded step leads from one to the other. Other matches are wormholes: one
    chance likeness would make one place of two.

    Args:
        latents: (U, D).
        neighbours: of the U frames.
        pairs: (P, 2) matches.
        threshold: largest mean distance between the frames of two groups.

    Returns:
        (U,) int64 place of each frame, numbered by their first frames, and the number of refused matches.
    """
    near = neighbours.lists()
    members = [{frame} for frame in range(len(latents))]
    around = [set(each) for each in near]
    root = np.arange(len(latents))

    def find(frame: int) -> int:
        while root[frame] != frame:
            root[frame] = root[root[frame]]
            frame = int(root[frame])
        return frame

    refused = 0
    for left, right in pairs[np.argsort(lengths_of(latents, pairs), kind="stable")].tolist():
        a, b = find(left), find(right)
        if a == b:
            continue
        if len(members[a]) < len(members[b]):
            a, b = b, a
        apart = scipy.spatial.distance.cdist(latents[list(members[a])], latents[list(members[b])]).mean()
        if apart > threshold or around[a] & members[b]:
            refused += 1
            continue
        root[b] = a
        members[a] |= members[b]
        around[a] |= around[b]
        members[b], around[b] = set(), set()
    roots = np.array([find(frame) for frame in range(len(latents))])
    _, first, place = np.unique(roots, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place], refused
