"""The state of many searches at once: costs so far, the way back, and one open list a row."""

from __future__ import annotations

import numpy as np

from ..graph import Graph

EMPTY = np.iinfo(np.int64).max
_VERTEX = np.int64(0xFFFFFFFF)


def pack(priority: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Keys (K,) int64 that sort by priority (K,) float32 first and by vertex (K,) second, so that ties are settled."""
    bits = (priority + np.float32(0)).view(np.int32)  # + 0 makes one zero of -0.0 and 0.0
    ordered = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))  # negative floats sort backwards as integers
    return (ordered.astype(np.int64) << 32) | vertices


def unpack_vertex(keys: np.ndarray) -> np.ndarray:
    """The (K,) int64 vertices of keys."""
    return keys & _VERTEX


def unpack_priority(keys: np.ndarray) -> np.ndarray:
    """The (K,) float32 priorities of keys; NaN for EMPTY."""
    bits = (keys >> 32).astype(np.int32)
    return (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).view(np.float32)


def without_parallel_edges(graph: Graph) -> Graph:
    """The graph itself, or without its dearer parallel edges: the lockstep relaxation needs each target once a row."""
    same_row = np.ones(max(graph.num_edges - 1, 0), bool)
    ends = graph.indptr[1:-1]
    same_row[ends[(ends > 0) & (ends < graph.num_edges)] - 1] = False
    if (np.diff(graph.indices)[same_row] > 0).all():
        return graph
    return Graph.from_edges(graph.num_vertices, np.column_stack([graph.starts, graph.indices, graph.weights]))


def edges_of(graph: Graph, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All edges of (K,) vertices, in order: which vertex (M,), which edge (M,), and how many each has (K,), int64."""
    first = graph.indptr[vertices]
    degree = graph.indptr[vertices + 1] - first
    owner = np.repeat(np.arange(len(vertices)), degree)
    offset = first - (np.cumsum(degree) - degree)
    return owner, offset[owner] + np.arange(len(owner)), degree


class Frontier:
    """R searches over V vertices; a vertex of a row is addressed by ``row * V + vertex``.

    Attributes:
        cost: (R * V,) float32, cheapest known cost from the row's root; inf where unseen.
        via: (R * V,) int32, the edge that led there; -1 at the root, anything where unseen.
        closed: (R * V,) bool, whether the vertex was ever expanded.
        slot: (R * V,) int32, where the vertex stands in the row's open list; -1 where it does not.
        entries: (R, C) int64, the open lists: unsorted keys, EMPTY in the holes.
    """

    def __init__(self, roots: np.ndarray, num_vertices: int, priority: np.ndarray) -> None:
        rows = np.arange(len(roots))
        self.num_vertices = num_vertices
        self.cost = np.full(len(roots) * num_vertices, np.inf, np.float32)
        self.via = np.empty(len(roots) * num_vertices, np.int32)
        self.closed = np.zeros(len(roots) * num_vertices, bool)
        self.slot = np.full(len(roots) * num_vertices, -1, np.int32)
        self.entries = np.full((len(roots), 64), EMPTY, np.int64)
        self._used = np.ones(len(roots), np.int64)  # slots of a row that may be taken
        self._hole = np.full(len(roots), -1, np.int64)  # a free slot below that, if one is known
        flat = rows * num_vertices + roots
        self.cost[flat] = 0
        self.via[flat] = -1
        self.slot[flat] = 0
        self.entries[:, 0] = pack(priority, roots)

    def best(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lowest key (K,) of each row and its slot (K,); the key is EMPTY where the open list is."""
        width = int(self._used[rows].max(initial=1))
        lists = self.entries[:, :width]
        if len(rows) < len(self.entries):
            lists = lists[rows]
        slots = lists.argmin(axis=1)
        return self.entries[rows, slots], slots

    def close(self, rows: np.ndarray, slots: np.ndarray, flat: np.ndarray) -> None:
        """Take one entry (K,) out of each row; ``flat`` addresses its vertices."""
        self.entries[rows, slots] = EMPTY
        self._hole[rows] = slots
        self.slot[flat] = -1
        self.closed[flat] = True

    def put(self, rows: np.ndarray, flat: np.ndarray, keys: np.ndarray) -> None:
        """Add entries (K,), or move those that are there already; ``rows`` ascend and no vertex comes twice."""
        slots = self.slot[flat]
        new = np.flatnonzero(slots < 0)
        if new.size:
            slots[new] = self._reserve(rows[new])
            self.slot[flat[new]] = slots[new]
        self.entries[rows, slots] = keys

    def _reserve(self, rows: np.ndarray) -> np.ndarray:
        """A free slot (K,) for each of the ascending rows: first the hole left by the last pop, then the far end."""
        begins = np.ones(len(rows), bool)
        np.not_equal(rows[1:], rows[:-1], out=begins[1:])
        first = np.flatnonzero(begins)
        count = np.empty_like(first)
        count[:-1] = first[1:] - first[:-1]
        count[-1] = len(rows) - first[-1]
        row = rows[first]
        hole = self._hole[row]
        has_hole = hole >= 0
        base = self._used[row] - has_hole
        slots = np.repeat(base - first, count) + np.arange(len(rows))
        slots[first[has_hole]] = hole[has_hole]
        self._used[row] = base + count
        self._hole[row] = -1
        if (width := int(self._used[row].max())) > self.entries.shape[1]:
            wider = np.full((len(self.entries), 2 * width), EMPTY, np.int64)
            wider[:, : self.entries.shape[1]] = self.entries
            self.entries = wider
        return slots

    def truncate(self, rows: np.ndarray, size: int) -> None:
        """Keep the ``size`` best entries of each row; forget the rest as if never seen, unless once expanded."""
        rows = rows[self._used[rows] > size]
        if not rows.size:
            return
        width = int(self._used[rows].max())
        lists = np.sort(self.entries[rows, :width], axis=1)
        flat = rows[:, None] * self.num_vertices + unpack_vertex(lists)
        kept = lists[:, :size] != EMPTY
        self.slot[flat[:, :size][kept]] = np.broadcast_to(np.arange(size, dtype=np.int32), kept.shape)[kept]
        lost = flat[:, size:][lists[:, size:] != EMPTY]
        self.slot[lost] = -1
        # Others hang on the cost of an expanded vertex; one that never was may be found again, at any cost.
        self.cost[lost[~self.closed[lost]]] = np.inf
        lists[:, size:] = EMPTY
        self.entries[rows, :width] = lists
        self._used[rows] = np.maximum(kept.sum(axis=1), 1)
        self._hole[rows] = np.where(kept.any(axis=1), -1, 0)

    def way_back(self, rows: np.ndarray, vertices: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """From each (K,) vertex to the root of its row: (K, L) int64 edges, the last one first, -1 beyond a way's end.

        Args:
            rows: (K,) rows.
            vertices: (K,) where to begin.
            origins: (E,) the vertex from which each edge was expanded.
        """
        steps = []
        at = vertices
        while True:
            edge = self.via[rows * self.num_vertices + at]
            if (edge < 0).all():
                break
            steps.append(edge)
            at = np.where(edge < 0, at, origins[edge])
        return np.stack(steps, axis=1).astype(np.int64) if steps else np.empty((len(rows), 0), np.int64)
