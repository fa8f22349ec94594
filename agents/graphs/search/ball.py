"""The k-step ball: what can be reached over at most k edges, at which cost, and by which way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..graph import Graph
from .frontier import edges_of


@dataclass(frozen=True, eq=False)
class Ball:
    """The balls around K centres, flat: S reached vertices, each centre left out.

    Attributes:
        owner: (S,) int64, which centre.
        vertices: (S,) int64; no vertex comes twice for one centre.
        cost: (S,) float32, of the cheapest way over at most k edges, in steps.
        expanded: (K,) int64, vertices whose edges were looked at; one that a later round makes cheaper counts again.
        generated: (K,) int64, edges looked at.
        cut_short: (K,) bool, where the limit of expansions left the ball incomplete.
        on_rim: (S,) bool, no fewer than k edges from the centre; none where the whole component is nearer.
    """

    owner: np.ndarray
    vertices: np.ndarray
    cost: np.ndarray
    expanded: np.ndarray
    generated: np.ndarray
    cut_short: np.ndarray
    on_rim: np.ndarray
    _record: np.ndarray
    _edge: np.ndarray
    _before: np.ndarray

    def ways(self, chosen: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The edges from the centres to ``chosen`` (P,): for every hop, which of the P (Q,) and its edges (Q,)."""
        record, hops = self._record[chosen], []
        which = np.arange(len(chosen))
        while which.size:
            hops.append((which, self._edge[record]))
            record = self._before[record]
            which, record = which[record >= 0], record[record >= 0]
        return reversed(hops)


class Balls:
    """Computes balls; keeps (B, V) scratch that costs nothing to use again."""

    def __init__(self, graph: Graph, plans: int) -> None:
        self._graph = graph
        self._cost = np.full(plans * graph.num_vertices, np.inf, np.float32)
        self._latest = np.empty(plans * graph.num_vertices, np.int32)

    def around(self, rows: np.ndarray, centres: np.ndarray, k: int, limit: np.ndarray) -> Ball:
        """The balls of k edges around (K,) centres.

        Args:
            rows: (K,) which row of the scratch, ascending.
            centres: (K,) vertices.
            k: Edges.
            limit: (K,) most expansions; a round that would pass it does not happen.
        """
        graph, size = self._graph, self._graph.num_vertices
        base = rows * size
        self._cost[base + centres] = 0
        touched = [base + centres]
        expanded, generated = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        cut_short = np.zeros(len(rows), bool)
        # A record is (owner, vertex, cost, edge, record before); those of round r hang on those of round r - 1, so
        # that a way has at most k edges even where a later round finds a cheaper one to its middle.
        owner, at, cost = np.arange(len(rows)), centres, np.zeros(len(rows), np.float32)
        record = np.full(len(rows), -1)
        rounds: list[tuple[np.ndarray, ...]] = []
        count = 0
        fresh = np.zeros(0, bool)  # of the records of the last round: vertices that no earlier round came to
        for turn in range(k):
            wanted = np.bincount(owner, minlength=len(rows))
            too_much = expanded + wanted > limit
            if too_much.any():
                cut_short |= too_much
                keep = ~too_much[owner]
                owner, at, cost, record = owner[keep], at[keep], cost[keep], record[keep]
                wanted[too_much] = 0
            if not owner.size:
                fresh = np.zeros(0, bool)
                break
            expanded += wanted
            source, edge, degree = edges_of(graph, at)
            generated += np.bincount(owner, weights=degree, minlength=len(rows)).astype(np.int64)
            reach = cost[source] + graph.weights[edge]
            flat = base[owner][source] + graph.indices[edge]
            better = np.flatnonzero(reach < self._cost[flat])
            source, edge, reach, flat = source[better], edge[better], reach[better], flat[better]
            unseen = np.isinf(self._cost[flat]) if turn == k - 1 else fresh
            np.minimum.at(self._cost, flat, reach)
            win = np.flatnonzero(reach == self._cost[flat])
            source, edge, reach, flat = source[win], edge[win], reach[win], flat[win]
            # Of equal ways the first stays, which is the one through the lowest vertex: the last write wins.
            self._latest[flat[::-1]] = np.arange(len(flat))[::-1]
            one = np.flatnonzero(self._latest[flat] == np.arange(len(flat)))
            one = one[np.argsort(flat[one])]
            fresh = unseen[win][one] if turn == k - 1 else fresh
            source, edge, reach, flat = source[one], edge[one], reach[one], flat[one]
            owner, at, cost, before = owner[source], graph.indices[edge], reach, record[source]
            record = count + np.arange(len(flat))
            count += len(flat)
            self._latest[flat] = record
            touched.append(flat)
            rounds.append((owner, at, cost, edge, before, flat))
        nothing = np.empty(0, np.int64)
        columns = [np.concatenate(column) for column in zip(*rounds, strict=True)] if rounds else [nothing] * 6
        owners, vertices, costs, edges, befores, flats = columns
        current = np.flatnonzero(self._latest[flats] == np.arange(count))
        on_rim = np.zeros(count, bool)
        on_rim[count - len(fresh) :] = fresh
        self._cost[np.concatenate(touched)] = np.inf
        return Ball(
            owners[current],
            vertices[current],
            costs[current].astype(np.float32),
            expanded,
            generated,
            cut_short,
            on_rim[current],
            current,
            edges,
            befores,
        )


def neighbours(graph: Graph, centres: np.ndarray, limit: np.ndarray) -> Ball:
    """The balls of one edge around (K,) centres, which need no scratch; see ``Balls.around``."""
    cut_short = limit < 1
    owner, edge, degree = edges_of(graph, centres)
    vertices = graph.indices[edge]
    keep = ~cut_short[owner] & (vertices != centres[owner])
    owner, edge, vertices = owner[keep], edge[keep], vertices[keep]
    record, expanded = np.arange(len(edge)), (~cut_short).astype(np.int64)
    return Ball(
        owner,
        vertices,
        graph.weights[edge],
        expanded,
        degree * expanded,
        cut_short,
        np.ones(len(edge), bool),
        record,
        edge,
        np.full(len(edge), -1),
    )
