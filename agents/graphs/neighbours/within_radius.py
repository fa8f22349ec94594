"""Which vertices are near one another: all pairs within a radius, or the nearest few of each vertex, at any size.

Every pair that comes back was measured in 64-bit differences. Nothing here allocates a matrix of all vertices by all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import scipy

from data_collection.errors import check_name

from ...errors import ConfigError, GraphError
from .exact import block_pairs
from .faiss_index import index_pairs

Search = Literal["auto", "tree", "blocks", "faiss"]

BIG_GRAPH = 20_000
"""vertices above which exact search in many dimensions takes minutes"""
BIG_GRAPH_DEGREE = 20
"""nearest vertices that do for a graph of that size"""

_TREE_DIMENSIONS = 8  # above, a tree looks at nearly every leaf
SEARCHES = ("auto", "tree", "blocks", "faiss")
_AT_ONCE = 100_000  # vertices
_MOST_PAIRS = 200_000_000  # a graph of so many takes about 24 GB to build


def near_pairs(latents: np.ndarray, threshold: float, *, max_degree: int = 0, search: Search = "auto") -> np.ndarray:
    """Pairs of vertices within a threshold, or of these the nearest of each vertex.

    Args:
        latents: (V, D) finite float; their Euclidean distance is d.
        threshold: d at most.
        max_degree: nearest vertices that each vertex keeps; 0 keeps all within the threshold. A pair that one end keeps
            is kept, so there are at most V * max_degree pairs, and a vertex that is near many can have more.
        search: "tree" (exact; up to some 8 dimensions), "blocks" (exact; any dimension, time grows with the square),
            "faiss" (an inverted file of the extra `ann`: nearly all, fast in any dimension), or "auto": a tree for 8
            dimensions or fewer; above, for all within the threshold the tree or, on a big graph, blocks, and for the
            nearest blocks or, on a big graph, faiss.

    Returns:
        (E, 2) int64, each pair once, the lower vertex first; in no promised order.

    Raises:
        ConfigError: for a negative degree.
        GraphError: if more pairs are that near than memory holds.
        MissingExtraError: if faiss is needed and not installed.
        UnknownNameError: for another search.
    """
    if search not in SEARCHES:
        check_name("search for neighbours", search, SEARCHES)
    if max_degree < 0:
        raise ConfigError(f"max_degree is {max_degree}; need at least 0, which keeps all within the threshold")
    if search == "auto":
        search = _fitting_search(latents, max_degree)
    if not max_degree:
        _check_count(latents, threshold)
    if search == "tree" and not max_degree:
        return scipy.spatial.cKDTree(latents).query_pairs(threshold, output_type="ndarray").astype(np.int64, copy=False)
    if search == "tree":
        parts = _tree_parts(latents, threshold, max_degree)
    elif search == "blocks":
        parts = block_pairs(latents, threshold, max_degree)
    else:
        parts = index_pairs(latents, threshold, max_degree)
    return _once(parts, len(latents))


def _fitting_search(latents: np.ndarray, max_degree: int) -> Search:
    if latents.shape[1] <= _TREE_DIMENSIONS:
        return "tree"
    if max_degree:
        return "blocks" if len(latents) <= BIG_GRAPH else "faiss"
    return "tree" if len(latents) <= BIG_GRAPH else "blocks"


def _check_count(latents: np.ndarray, threshold: float) -> None:
    """Refuse what memory will not hold, by counting around a few vertices of a big graph."""
    if len(latents) <= BIG_GRAPH:
        return
    near, asked = 0, latents[:: len(latents) // 50].astype(np.float64)
    for i in range(0, len(latents), _AT_ONCE):
        part = latents[i : i + _AT_ONCE]
        near += sum(int((np.square(part - point).sum(1) <= threshold**2).sum()) for point in asked)
    degree = near / len(asked)
    if degree * len(latents) / 2 > _MOST_PAIRS:
        raise GraphError(
            f"about {degree:,.0f} of {len(latents):,} vertices lie within {threshold:.3g} of each, which makes "
            f"{degree * len(latents) / 2:,.0f} pairs; at most {_MOST_PAIRS:,} are built. Keep the nearest ones with "
            f"graph.max_degree={BIG_GRAPH_DEGREE}, or lower graph.threshold or graph.max_vertices"
        )


def _tree_parts(latents: np.ndarray, threshold: float, count: int) -> Iterator[np.ndarray]:
    """(K, 2) parts of the nearest of each vertex by a tree."""
    tree = scipy.spatial.cKDTree(latents)
    count = min(count, len(latents) - 1)
    order = np.asarray(tree.indices, np.int64)  # neighbours one after the other find their nodes in the cache
    for i in range(0, len(latents) if count else 0, _AT_ONCE):
        vertices = order[i : i + _AT_ONCE]
        # One more, as a vertex is its own nearest; the bound is exclusive, so it lies a little higher.
        gaps, found = tree.query(latents[vertices], k=count + 1, distance_upper_bound=threshold * (1 + 1e-9) + 1e-300)
        other = found != vertices[:, None]
        other &= np.cumsum(other, 1) <= count  # among many at one spot the vertex itself may be missing
        row, column = np.nonzero(other & (gaps <= threshold))
        yield np.stack([vertices[row], found[row, column]], 1)


def _once(parts: Iterator[np.ndarray], size: int) -> np.ndarray:
    """Each pair once, the lower vertex first, ascending."""
    keys = [np.minimum(part[:, 0], part[:, 1]) * size + np.maximum(part[:, 0], part[:, 1]) for part in parts]
    found = np.sort(np.concatenate(keys)) if keys else np.zeros(0, np.int64)
    found = found[np.append(True, found[1:] != found[:-1])[: len(found)]]  # np.unique takes ten times as long
    return np.stack(np.divmod(found, size), 1)
