"""The shortest edges that join the components of a graph: Boruvka's rounds, on a big graph all components at once.

There the nearest vertex of another component is found without a tree for each component: labels of two components
differ in some bit, so it is the nearest over the bits of the nearest vertex whose label has the other value there. In
many dimensions trees do not help, and blocks of vertices are compared by products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy

from .neighbours.exact import nearest_strangers
from .neighbours.within_radius import BIG_GRAPH

_NEAREST = 8  # vertices that are looked at first
_AT_ONCE = 100_000  # vertices
_TREE_DIMENSIONS = 8  # above, a tree looks at nearly every leaf, which products of matrices do faster


def find_bridges(latents: np.ndarray, components: np.ndarray) -> np.ndarray:
    """The (components - 1, 2) vertex pairs of a minimum spanning tree between components (Boruvka's rounds).

    Joining by the shortest gaps adds a handful of long edges; raising the threshold until all is connected
    would add thousands of false ones everywhere.

    Args:
        latents: (V, D) float.
        components: (V,) int labels.
    """
    if len(latents) > BIG_GRAPH:
        return join_components(latents, components)
    labels = np.unique(components, return_inverse=True)[1]
    tree = scipy.spatial.cKDTree(latents)
    bridges = []
    while labels.max() > 0:
        largest = np.bincount(labels).argmax()
        for label in range(labels.max() + 1):
            members = np.flatnonzero(labels == label)
            # A component merged earlier in this round is empty; the largest is reached from the others.
            if label == largest or not len(members):
                continue
            pair = _nearest_outside(tree, latents, labels, members)
            bridges.append(pair)
            labels[members] = labels[pair[1]]
        labels = np.unique(labels, return_inverse=True)[1]
    return np.array(bridges, np.int64).reshape(-1, 2)


def _nearest_outside(
    tree: scipy.spatial.cKDTree, latents: np.ndarray, labels: np.ndarray, members: np.ndarray
) -> tuple[int, int]:
    """The closest (member, non-member) pair; members whose neighbours are all members ask for more of them."""
    inside = labels[members[0]]
    best, pair, k = np.inf, (-1, -1), 8
    while len(members):
        k = min(k, len(latents))
        distance, neighbour = tree.query(latents[members], k=k)
        outside = np.where(labels[neighbour] != inside, distance, np.inf)
        row, column = np.unravel_index(outside.argmin(), outside.shape)
        if outside[row, column] < best:
            best, pair = outside[row, column], (int(members[row]), int(neighbour[row, column]))
        # Undecided: no outsider among the k nearest, and the k-th nearer than the best pair so far.
        members = members[np.isinf(outside).all(1) & (distance[:, -1] < best) & (k < len(latents))]
        k *= 4
    return pair


def join_components(latents: np.ndarray, components: np.ndarray) -> np.ndarray:
    """The same for a big graph; of equal gaps it may choose others.

    In a few dimensions time grows with V log(V) times the squared logarithm of the number of components, whatever
    their sizes; in many, at worst with the square of V.

    Args:
        latents: (V, D) finite float.
        components: (V,) int labels.
    """
    labels = np.unique(components, return_inverse=True)[1].reshape(-1)
    tree = scipy.spatial.cKDTree(latents)
    bridges = np.zeros((0, 2), np.int64)
    while (count := int(labels.max()) + 1) > 1:
        found, gaps = _shortest_ways_out(tree, latents, labels, count)
        # Of each round's ways those that close a circle (between equal gaps) are left out: Kruskal's rule.
        found = found[np.lexsort((found[:, 1], found[:, 0], gaps))]
        starts, ends = labels[found].T
        ranks = scipy.sparse.csr_array((np.arange(1.0, len(found) + 1), (starts, ends)), shape=(count, count))
        joined = scipy.sparse.csgraph.minimum_spanning_tree(ranks)
        bridges = np.concatenate([bridges, found[np.sort(joined.data).astype(np.int64) - 1]])
        labels = scipy.sparse.csgraph.connected_components(joined, directed=False)[1][labels]
    return bridges


def _shortest_ways_out(
    tree: scipy.spatial.cKDTree, latents: np.ndarray, labels: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The closest (member, non-member) pair of every component but the largest, and how far they are apart."""
    largest = int(np.bincount(labels).argmax())  # reached from the others
    asking = np.flatnonzero(labels != largest)
    gap, other = np.full(len(asking), np.inf), np.full(len(asking), -1, np.int64)
    reach = np.zeros(len(asking))
    for i in range(0, len(asking), _AT_ONCE):
        part = slice(i, i + _AT_ONCE)
        gaps, found = tree.query(latents[asking[part]], k=min(_NEAREST, len(latents)))
        outside = np.where(labels[found] != labels[asking[part], None], gaps, np.inf)
        best = outside.argmin(1)[:, None]
        gap[part] = np.take_along_axis(outside, best, 1)[:, 0]
        other[part] = np.take_along_axis(found, best, 1)[:, 0]
        reach[part] = gaps[:, -1]
    shortest = np.full(count, np.inf)
    np.minimum.at(shortest, labels[asking], gap)
    # Undecided: no outsider among the nearest, and the last of them nearer than the best pair of the component.
    open_ = np.flatnonzero(np.isinf(gap) & (reach < shortest[labels[asking]]))
    if len(open_):
        search = _nearest_strangers if latents.shape[1] <= _TREE_DIMENSIONS else nearest_strangers
        gap[open_], other[open_] = search(latents, labels, asking[open_], shortest)
    order = np.lexsort((other, asking, gap, labels[asking]))
    label = labels[asking[order]]
    first = order[np.flatnonzero(np.append(True, label[1:] != label[:-1]))]
    return np.stack([asking[first], other[first]], 1), gap[first]


def _nearest_strangers(
    latents: np.ndarray, labels: np.ndarray, vertices: np.ndarray, best: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to, and number of, the nearest vertex of another component, where it is the component's nearest.

    Args:
        latents: (V, D).
        labels: (V,).
        vertices: (K,) that ask.
        best: (C,) the shortest way out of each component that is known, inf where none is. A vertex that has no
            shorter one gets inf, which spares looking at all that is farther.
    """
    gap, other, best = np.full(len(vertices), np.inf), np.full(len(vertices), -1, np.int64), best.copy()
    label = labels[vertices]
    for bit in range((len(best) - 1).bit_length()):
        values = labels >> bit & 1
        for value in (0, 1):
            asking = np.flatnonzero(label >> bit & 1 == value)
            if not len(asking):
                continue
            strangers = np.flatnonzero(values != value)
            tree = scipy.spatial.cKDTree(latents[strangers])
            # One of each component first, for a bound on the others.
            first = asking[np.unique(label[asking], return_index=True)[1]]
            for some in (first, asking):
                for bound, part in _by_bound(some, best[label[some]]):
                    gaps, found = tree.query(latents[vertices[part]], distance_upper_bound=bound)
                    nearer = gaps < gap[part]
                    gap[part[nearer]], other[part[nearer]] = gaps[nearer], strangers[found[nearer]]
                    np.minimum.at(best, label[part], gaps)
    return gap, other


def _by_bound(which: np.ndarray, bounds: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Parts with bounds that are nearly equal, as a tree takes one bound for all; a bound of 0 cannot be improved."""
    finite = np.isfinite(bounds)
    if not finite.all():
        yield np.inf, which[~finite]
    finite &= bounds > 0
    which, bounds = which[finite], bounds[finite]
    steps = np.ceil(np.log2(bounds) * 4)
    for step in np.unique(steps):
        part = steps == step
        yield float(bounds[part].max()) * (1 + 1e-9), which[part]
