"""The graph: dataset frames as vertices, recorded transitions and found neighbours as directed, weighted edges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from ..errors import GraphError


@dataclass(frozen=True, eq=False)
class Graph:
    """A directed graph in compressed rows; the edges of vertex v are ``indptr[v] : indptr[v + 1]``.

    Attributes:
        indptr: (V + 1,) int64.
        indices: (E,) int64, the vertex an edge leads to; ascending within a row.
        weights: (E,) float32, in transition steps, positive and finite.
        inferred: (E,) bool, False for a recorded transition, True for an edge found by the local metric.
        bridge: (E,) bool, True for an inferred edge that only joins components, whatever its length.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    inferred: np.ndarray
    bridge: np.ndarray

    def __post_init__(self) -> None:
        edges = len(self.indices)
        if not len(self.weights) == len(self.inferred) == len(self.bridge) == edges:
            raise GraphError(f"{edges} edges need as many weights and flags, got {len(self.weights)} weights")
        if self.indptr[0] != 0 or self.indptr[-1] != edges or (np.diff(self.indptr) < 0).any():
            raise GraphError(f"indptr must rise from 0 to {edges}, got {self.indptr[0]} to {self.indptr[-1]}")
        if edges and not 0 <= self.indices.min() <= self.indices.max() < self.num_vertices:
            raise GraphError(
                f"edges lead to vertices {self.indices.min()} to {self.indices.max()}; "
                f"there are vertices 0 to {self.num_vertices - 1}"
            )
        bad = np.flatnonzero(~(np.isfinite(self.weights) & (self.weights > 0)))
        if bad.size:
            edge = int(bad[0])
            start = int(np.searchsorted(self.indptr, edge, side="right") - 1)
            raise GraphError(
                f"edge {start} -> {self.indices[edge]} weighs {self.weights[edge]}; need a finite number above 0. "
                f"{bad.size} of {edges} edges are bad: check the local metric for NaN"
            )
        for array in (self.indptr, self.indices, self.weights, self.inferred, self.bridge):
            array.setflags(write=False)

    @classmethod
    def from_edges(
        cls,
        num_vertices: int,
        edges: Iterable[tuple[int, int, float]] | np.ndarray,
        inferred: np.ndarray | None = None,
        bridge: np.ndarray | None = None,
    ) -> Graph:
        """A graph from (start, end, weight) rows; of parallel edges the cheapest stays, self loops are dropped.

        Args:
            num_vertices: V.
            edges: (E, 3) or an iterable of triples.
            inferred: (E,) bool, all False by default.
            bridge: (E,) bool, all False by default.

        Raises:
            GraphError: for an index out of range or a weight that is not finite and positive.
        """
        table = np.asarray(list(edges) if not isinstance(edges, np.ndarray) else edges, dtype=np.float64)
        table = table.reshape(-1, 3)
        start, end, weight = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]
        flags = [np.zeros(len(table), bool) if flag is None else np.asarray(flag) for flag in (inferred, bridge)]
        if len(table) and not (min(start.min(), end.min()) >= 0 and max(start.max(), end.max()) < num_vertices):
            raise GraphError(f"an edge names a vertex outside 0 to {num_vertices - 1}")
        order, first = _sorted_edges(start * num_vertices + end, weight)
        start, end, weight = start[order], end[order], weight[order]
        keep = first & (start != end)
        indptr = np.zeros(num_vertices + 1, np.int64)
        np.cumsum(np.bincount(start[keep], minlength=num_vertices), out=indptr[1:])
        return cls(indptr, end[keep], weight[keep].astype(np.float32), *(flag[order][keep] for flag in flags))

    def arrays(self) -> dict[str, np.ndarray]:
        """The five arrays by name."""
        return {name: getattr(self, name) for name in ("indptr", "indices", "weights", "inferred", "bridge")}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Graph:
        """The graph whose ``arrays()`` these are; other entries are ignored."""
        return cls(*(np.array(arrays[name]) for name in ("indptr", "indices", "weights", "inferred", "bridge")))

    def without(self, pairs: np.ndarray) -> Graph:
        """The graph without the inferred edges between these (K, 2) vertices, in either direction."""
        pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
        both = np.concatenate([pairs, pairs[:, ::-1]]) @ (self.num_vertices, 1)
        gone = self.inferred & np.isin(self.starts * self.num_vertices + self.indices, both)
        return self._keeping(~gone)

    def without_bridges(self) -> Graph:
        """The graph without the edges that only join components."""
        return self._keeping(~self.bridge)

    def _keeping(self, edges: np.ndarray) -> Graph:
        table = np.column_stack([self.starts, self.indices, self.weights])[edges]
        return Graph.from_edges(self.num_vertices, table, self.inferred[edges], self.bridge[edges])

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.indptr) - 1

    @property
    def num_edges(self) -> int:
        """E, each direction counted."""
        return len(self.indices)

    @cached_property
    def matrix(self) -> scipy.sparse.csr_array:
        """The (V, V) sparse matrix of weights, for scipy."""
        return scipy.sparse.csr_array(
            (self.weights, self.indices, self.indptr), shape=(self.num_vertices, self.num_vertices)
        )

    @cached_property
    def starts(self) -> np.ndarray:
        """(E,) int64, the vertex each edge leaves from."""
        return np.repeat(np.arange(self.num_vertices), np.diff(self.indptr))

    def neighbors(self, vertex: int) -> tuple[np.ndarray, np.ndarray]:
        """Vertices one edge away from ``vertex`` and the weights of those edges, both (K,)."""
        row = slice(self.indptr[vertex], self.indptr[vertex + 1])
        return self.indices[row], self.weights[row]

    def components(self) -> np.ndarray:
        """(V,) int32 label of each vertex's strongly connected component."""
        return scipy.sparse.csgraph.connected_components(self.matrix, directed=True, connection="strong")[1]


def _sorted_edges(keys: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The (E,) order by key, then weight, then position, and whether an edge is the first of its key in that order."""
    order = np.argsort(keys)
    ordered = keys[order]
    first = np.ones(len(order), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    # Parallel edges are few, and a sort by one key is much faster than one by three.
    parallel = ~first
    parallel[:-1] |= ~first[1:]
    some = order[parallel]
    order[parallel] = some[np.lexsort((some, weights[some], keys[some]))]
    return order, first
