"""Rows of shortest-path distances, by scipy's Dijkstra a few sources at a time, wherever an engine runs them.

Each source is a run of its own, so rows are the same bits whoever computes them. The graph is shared, and sent once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from data_collection.engines import Engine, LocalEngine

_AT_ONCE = 16_000_000  # distances in 64 bits, 128 MB
_SHARES = 64  # on a cluster of unknown size


def rows_from(matrix: Any, sources: np.ndarray, jobs: int = 1, engine: Engine | None = None) -> np.ndarray:
    """Distances (S, V) float32 from each of the (S,) sources; inf where there is no path.

    Args:
        matrix: (V, V) sparse, weights of directed edges.
        sources: vertices.
        jobs: processes of this machine; with 1, this process does it all.
        engine: where sources are searched from instead.

    Raises:
        InvalidOptionError: for less than one job.
        WorkerError: if a process died over and over, or the graph does not fit the shared memory.
    """
    engine = LocalEngine(jobs) if engine is None else engine
    sources = np.asarray(sources, np.int64).reshape(-1)
    # In the types of scipy's Dijkstra, which otherwise converts the whole graph at every call.
    shared = (matrix.data.astype(np.float64), matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
    rows = np.empty((len(sources), matrix.shape[0]), np.float32)
    share = -(-len(sources) // (engine.jobs or _SHARES))
    at_once = max(1, min(share, _AT_ONCE // matrix.shape[0]))
    parts = [slice(i, min(i + at_once, len(sources))) for i in range(0, len(sources), at_once)]
    for index, found in engine.map(_search, (sources[part] for part in parts), shared=shared):
        rows[parts[index]] = found
    return rows


def _search(sources: np.ndarray, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    size = len(indptr) - 1
    graph = scipy.sparse.csr_array((data, indices, indptr), shape=(size, size))
    return scipy.sparse.csgraph.dijkstra(graph, directed=True, indices=sources).astype(np.float32)
