"""Near pairs by matrix products of blocks: exact in any dimension, in memory that does not grow with the square.

A product gives |a|^2 + |b|^2 - 2ab, which cancels where coordinates are large and gaps small. So it only proposes:
blocks hold vertices close to one another, each is centred on itself, what the rounding may hide is proposed too, and
every proposal is measured again as a 64-bit difference.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy

from ..lengths import squared_lengths

BLOCK = 512  # vertices; all pairs of two blocks are measured in some tens of megabytes


def block_pairs(latents: np.ndarray, threshold: float, max_degree: int = 0) -> Iterator[np.ndarray]:
    """Parts of the pairs within a threshold, or of the pairs of each vertex with its nearest there.

    Args:
        latents: (V, D) finite float.
        threshold: distance at most.
        max_degree: nearest that each vertex keeps; 0 keeps all.

    Yields:
        (K, 2) int64; without ``max_degree`` each pair once over all parts, with it pairs may come from both ends.
    """
    # Leaves of a tree are vertices close to one another: most pairs of blocks are then too far apart to look at.
    order, low, high = _blocks(latents)
    for number, start in enumerate(range(0, len(order), BLOCK)):
        rows = order[start : start + BLOCK]
        away = _boxes_apart(latents[rows], low, high)
        others = np.flatnonzero(away <= threshold**2 * (1 + 1e-9))
        if not max_degree:
            yield from _all_within(latents, rows, order, others[others >= number], threshold)
        else:
            yield _nearest_within(latents, rows, order, others[np.argsort(away[others])], threshold, max_degree)


def nearest_strangers(
    latents: np.ndarray, labels: np.ndarray, vertices: np.ndarray, best: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to, and number of, the nearest vertex of another label, where it is the nearest of its own label.

    Args:
        latents: (V, D) finite float.
        labels: (V,) int.
        vertices: (K,) that ask.
        best: (C,) a distance above which the answer does not matter, for each label; inf where there is none.

    Returns:
        (K,) distances, inf where another vertex of the label has a smaller one or there is none, and (K,) vertices.
    """
    order, low, high = _blocks(latents)
    limits = np.square(best)
    gap, other = np.full(len(vertices), np.inf), np.full(len(vertices), -1, np.int64)
    asking = np.asarray(scipy.spatial.cKDTree(latents[vertices], leafsize=BLOCK).indices, np.int64)
    for start in range(0, len(asking), BLOCK):
        part = asking[start : start + BLOCK]
        rows = vertices[part]
        away = _boxes_apart(latents[rows], low, high)
        for block in np.argsort(away):
            limit = limits[labels[rows]]
            if away[block] > limit.max() * (1 + 1e-9):
                break
            columns = order[block * BLOCK : (block + 1) * BLOCK]
            row, column = _proposals(latents, rows, columns, limit)
            strange = labels[rows[row]] != labels[columns[column]]
            row, column = row[strange], column[strange]
            new = squared_lengths(latents, np.stack([rows[row], columns[column]], 1))
            nearer = new < gap[part[row]]
            last = np.flatnonzero(nearer)[np.argsort(-new[nearer], kind="stable")]  # the nearest is written last
            gap[part[row[last]]], other[part[row[last]]] = new[last], columns[column[last]]
            np.minimum.at(limits, labels[rows[row]], new)
    return np.sqrt(gap), other


def _blocks(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(V,) vertices block after block, and the (blocks, D) lowest and highest coordinates of each."""
    order = np.asarray(scipy.spatial.cKDTree(latents, leafsize=BLOCK).indices, np.int64)
    starts = np.arange(0, len(order), BLOCK)
    low, high = (of.reduceat(latents[order], starts).astype(np.float64) for of in (np.minimum, np.maximum))
    return order, low, high


def _boxes_apart(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Squared distances between the box around (R, D) points and each of some boxes."""
    gap = np.maximum(low - points.max(0), points.min(0) - high).clip(min=0)
    return np.square(gap).sum(1)


def _all_within(
    latents: np.ndarray, rows: np.ndarray, order: np.ndarray, others: np.ndarray, threshold: float
) -> Iterator[np.ndarray]:
    limit = np.full(len(rows), threshold**2)
    for other in others:
        columns = order[other * BLOCK : (other + 1) * BLOCK]
        row, column = _proposals(latents, rows, columns, limit)
        if columns[0] == rows[0]:
            row, column = row[row < column], column[row < column]
        pairs = np.stack([rows[row], columns[column]], 1)
        yield pairs[squared_lengths(latents, pairs) <= threshold**2]


def _nearest_within(
    latents: np.ndarray, rows: np.ndarray, order: np.ndarray, others: np.ndarray, threshold: float, count: int
) -> np.ndarray:
    """The nearest ``count`` of each row; near blocks come first and soon leave little to propose."""
    limit = np.full(len(rows), threshold**2)
    row, vertex, gap = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    for other in others:
        columns = order[other * BLOCK : (other + 1) * BLOCK]
        at, column = _proposals(latents, rows, columns, limit)
        pairs = np.stack([rows[at], columns[column]], 1)
        new = squared_lengths(latents, pairs)
        good = (new <= limit[at]) & (pairs[:, 0] != pairs[:, 1])
        if not good.any():
            continue
        row = np.concatenate([row, at[good]])
        vertex, gap = np.concatenate([vertex, pairs[good, 1]]), np.concatenate([gap, new[good]])
        sort = np.lexsort((vertex, gap, row))  # equally near ones by number, whatever the blocks
        row, vertex, gap = row[sort], vertex[sort], gap[sort]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        full = rank == count - 1
        limit[row[full]] = gap[full]
        row, vertex, gap = row[rank < count], vertex[rank < count], gap[rank < count]
    return np.stack([rows[row], vertex], 1)


def _proposals(
    latents: np.ndarray, rows: np.ndarray, columns: np.ndarray, limit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in ``rows`` and ``columns`` of all pairs within (R,) squared limits, and of a few more."""
    ours, theirs = latents[rows].astype(np.float64), latents[columns].astype(np.float64)
    centre = ours.mean(0)
    ours, theirs = (ours - centre).astype(np.float32), (theirs - centre).astype(np.float32)
    our, their = np.einsum("nd,nd->n", ours, ours), np.einsum("nd,nd->n", theirs, theirs)
    # Of a sum of D products and of casts, D + 8 roundings on either square are more than ever happens.
    slack = 4 * (latents.shape[1] + 8) * float(np.finfo(np.float32).eps)
    gaps = ours @ theirs.T
    gaps *= -2
    gaps += (our * (1 - slack))[:, None]
    gaps += their * (1 - slack)
    bound = np.nextafter(limit.astype(np.float32), np.float32(np.inf))
    # Squares that overflow, or underflow to nothing, are proposed: only differences can tell.
    row, column = np.nonzero(~(gaps > np.maximum(bound, np.finfo(np.float32).tiny)[:, None]))
    return row, column
