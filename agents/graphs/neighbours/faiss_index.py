"""Near pairs by an inverted file of faiss (extra `ann`): nearly all of them, in time that hardly grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from data_collection.errors import MissingExtraError

from ..lengths import squared_lengths

_PROBES = 32  # cells looked into
_LISTS = 4  # cells, in roots of the number of vertices
_TRAINED_BY = 64  # vertices a cell
_FLAT = 10_000  # vertices below which cells cost more than they save
_AT_ONCE = 50_000  # vertices


def index_pairs(latents: np.ndarray, threshold: float, max_degree: int = 0) -> Iterator[np.ndarray]:
    """Parts of the pairs within a threshold, or of the pairs of each vertex with its nearest there.

    Distances are measured again as 64-bit differences, so a pair that comes back is within the threshold; some 1 in
    1000 may be missing.

    Args:
        latents: (V, D) finite float.
        threshold: distance at most.
        max_degree: nearest that each vertex keeps; 0 keeps all.

    Yields:
        (K, 2) int64; pairs may come from both ends.

    Raises:
        MissingExtraError: if faiss is not installed.
    """
    faiss = load_faiss()
    # faiss measures in 32 bits: what is common to all would only cost it digits.
    points = (latents - latents.mean(0, dtype=np.float64)).astype(np.float32)
    index = _index(faiss, points)
    for i in range(0, len(points), _AT_ONCE):
        part = points[i : i + _AT_ONCE]
        if max_degree:
            count = min(max_degree, len(points) - 1)
            found = index.search(part, count + 1)[1]  # a vertex is its own nearest
            rows = np.repeat(np.arange(i, i + len(part)), count + 1)
            pairs = np.stack([rows, found.reshape(-1).astype(np.int64)], 1)
            other = (pairs[:, 0] != pairs[:, 1]).reshape(found.shape)
            other &= np.cumsum(other, 1) <= count
            pairs = pairs[other.reshape(-1) & (pairs[:, 1] >= 0)]
        else:
            bounds, _, found = index.range_search(part, float(threshold**2 * (1 + 1e-4)))
            pairs = np.stack([np.repeat(np.arange(i, i + len(part)), np.diff(bounds.astype(np.int64))), found], 1)
            pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        yield pairs[squared_lengths(latents, pairs) <= threshold**2]


def load_faiss() -> Any:
    """The module.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError(
            "the nearest vertices of a big graph in many dimensions are searched by faiss; install it with "
            "`pip install -e '.[ann]'`, or set graph.search='blocks', which is exact and takes time with the square"
        ) from error
    return faiss


def _index(faiss: Any, points: np.ndarray) -> Any:
    dimensions = points.shape[1]
    if len(points) < _FLAT:
        index = faiss.IndexFlatL2(dimensions)
    else:
        lists = int(_LISTS * len(points) ** 0.5)
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dimensions), dimensions, lists)
        index.cp.max_points_per_centroid = _TRAINED_BY
        index.cp.min_points_per_centroid = 1
        index.nprobe = min(_PROBES, lists)
        index.train(points)
    index.add(points)
    return index
