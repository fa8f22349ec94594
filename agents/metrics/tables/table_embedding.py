"""Shortest-path distances as a table of latents, in closed form: classical scaling of the root of the distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from ...errors import GraphError
from ...graphs.graph import Graph
from ...graphs.shortest_paths import distances_from, distances_to

if TYPE_CHECKING:
    from data_collection.engines import Engine


@dataclass(frozen=True)
class TableConfig:
    """The embedding of the graph's vertices."""

    latent_dim: int = 256
    """dimensions at most; those of negative eigenvalues never count"""
    landmarks: int = 2000
    """vertices from which Dijkstra runs; on a smaller graph, from all"""

    def memory_need(self, size: Any) -> int:
        """Bytes: rows of Dijkstra in 64 and 32 bits, three matrices between landmarks in 64 bits, the table."""
        landmarks = min(size.vertices, self.landmarks)
        return landmarks * size.vertices * 12 + 3 * landmarks**2 * 8 + size.vertices * self.latent_dim * 8


def embed_table(
    config: TableConfig, graph: Graph, rng: np.random.Generator, *, jobs: int = 1, engine: Engine | None = None
) -> tuple[np.ndarray, dict[str, float]]:
    """Latents whose squared distance is the distance on the graph: D(s, g) = ||phi_s - phi_g||^2.

    Classical scaling (Torgerson 1952) of the matrix of the root of D, whose squares are D: streets are nearly of
    negative type, so the root of their distances nearly is a Euclidean distance. On large graphs of landmarks alone,
    the others by distance to them (landmark scaling, de Silva and Tenenbaum 2004). Distances of a directed graph are
    averaged over both directions.

    Args:
        config: Dimensions and landmarks.
        graph: V vertices, connected.
        rng: Chooses landmarks.
        jobs: Processes that share the landmarks' shortest paths.
        engine: Who shares them instead, such as ``get_engine("ray")``.

    Returns:
        (V, D) float32, and figures: ``dimensions``, and ``relative_error`` of D over landmark pairs.

    Raises:
        GraphError: if some vertex cannot be reached.
    """
    size = graph.num_vertices
    landmarks = np.arange(size)
    if size > config.landmarks:
        landmarks = np.sort(rng.choice(size, config.landmarks, replace=False))
    rows = distances_from(graph, landmarks, jobs=jobs, engine=engine)
    if (graph.matrix != graph.matrix.T).nnz:
        rows += distances_to(graph, landmarks, jobs=jobs, engine=engine)
        rows /= 2
    if not np.isfinite(rows).all():
        lost = float((~np.isfinite(rows)).mean())
        raise GraphError(f"{lost:.1%} of the vertex pairs have no path, so no distance to embed; use bridge=True")
    square = rows[:, landmarks].astype(np.float64)
    square = (square + square.T) / 2  # rounding of either sum
    mean = square.mean(1)
    gram = -0.5 * (square - mean[:, None] - mean[None] + mean.mean())
    count = len(landmarks)
    low = max(0, count - config.latent_dim)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=[low, count - 1], overwrite_a=True)
    kept = values > 1e-9 * max(values[-1], 1e-12)
    if not kept.any():  # a single place
        return np.zeros((size, 1), np.float32), {"dimensions": 1.0, "relative_error": 0.0}
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    back = vectors / np.sqrt(values)
    table = np.empty((size, len(values)), np.float32)
    for i in range(0, size, 4096):  # the same formula for landmarks and others
        table[i : i + 4096] = -0.5 * (rows[:, i : i + 4096].T - mean) @ back
    check = landmarks[:: max(1, count // 500)]
    found = scipy.spatial.distance.cdist(table[check], table[check], "sqeuclidean")
    truth = square[np.ix_(np.searchsorted(landmarks, check), np.searchsorted(landmarks, check))]
    return table, {
        "dimensions": float(len(values)),
        "relative_error": float((np.abs(found - truth) / (truth + 1)).mean()),
    }
