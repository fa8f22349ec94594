"""Recorded jumps in a graph: whoever steps where some jumped has to expect what they met, not the best of it."""

from __future__ import annotations

import numpy as np
import scipy

from .graph import Graph

_NO_WAY = 1e18
_ROUNDS = 6  # of ways that themselves lead past jumps; what is still missing is a small part after so many


def expected_edge_costs(
    graph: Graph, vertices: np.ndarray, before: np.ndarray, after: np.ndarray, jumped: np.ndarray, radius: float
) -> tuple[Graph, dict[str, float]]:
    """Weigh all edges out of places where jumps were recorded by the way that is to be expected from there.

    A shortest way takes the best of all outcomes, as if a walker could choose it, and walks through the place besides.
    Of the recorded steps from the place of a vertex u a share p jumped, to o_1 ... o_n; then::

        edge u -> v     (1 - p) w(u, v) + p (1 + mean_i way(o_i, v))
        new  u -> o_j   1 + (1 - p) way(u, o_j) + p mean_i way(o_i, o_j)    after no jump one may try again

    That is the expected way to v, and at least the expected way to a goal by way of v, for any goal. A jump that is
    recorded a step late, after an ordinary step into the place, changes nothing: it is the place that is expensive, for
    all of its vertices, whether or not one of them was seen to jump.

    Args:
        graph: Without the jumps.
        vertices: (V, D) local latents.
        before: (M, D) local latents from which each recorded step led, ...
        after: (M, D) ... and to which.
        jumped: (M,) bool, which of them are jumps.
        radius: Vertices so near to where a jump was recorded, in steps, are of one place with it. Half the threshold
            is enough for one end of any edge across the place.

    Returns:
        The graph, and figures: ``jumps`` recorded, ``jump_vertices`` around them.
    """
    if not jumped.any():
        return graph, {"jumps": 0.0, "jump_vertices": 0.0}
    places, group, chances, outcomes, chance_of = _places(vertices, before, after, jumped, radius)
    group_of = np.full(graph.num_vertices, -1)
    group_of[places] = group
    edges = np.flatnonzero(group_of[graph.starts] >= 0)
    row = group_of[graph.starts[edges]]
    new_start, new_end = np.nonzero(chance_of[group])
    new_row = group[new_start]
    current = graph
    for _ in range(_ROUNDS):
        # Infinity times no chance would be no number, so ways that do not exist are merely very long.
        leaving = np.minimum(scipy.sparse.csgraph.dijkstra(current.matrix, indices=outcomes), _NO_WAY)
        arriving = np.minimum(scipy.sparse.csgraph.dijkstra(current.matrix.T.tocsr(), indices=outcomes), _NO_WAY)
        jumping = 1 + chance_of @ leaving  # (G, V)
        weights = graph.weights.astype(np.float64)
        weights[edges] *= 1 - chances[row]
        weights[edges] += chances[row] * jumping[row, graph.indices[edges]]
        again, landed = chances[new_row], jumping[new_row, outcomes[new_end]] - 1
        fresh = 1 + (1 - again) * arriving[new_end, places[new_start]] + again * landed
        table = np.concatenate(
            [
                np.column_stack([graph.starts, graph.indices, weights]),
                np.column_stack([places[new_start], outcomes[new_end], fresh]),
            ]
        )
        # A vertex that some outcome never gets to is not to be expected at all.
        known = table[:, 2] < _NO_WAY / 1e6
        flags = [np.append(flag, np.zeros(len(fresh), bool))[known] for flag in (graph.inferred, graph.bridge)]
        current = Graph.from_edges(graph.num_vertices, table[known], *flags)
    return current, {"jumps": float(jumped.sum()), "jump_vertices": float(len(places))}


def _places(
    vertices: np.ndarray, before: np.ndarray, after: np.ndarray, jumped: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where jumps are to be expected, in groups of vertices that touch, and where they end.

    A group is told by all of its jumps: of many estimates from a jump or two, a shortest way would find the luckiest.

    Returns:
        (U,) vertices and (U,) the group of each; (G,) the chance of a jump from each group; (O,) vertices where jumps
        end, and (G, O) the chance of each of these, once there is a jump.
    """
    tree = scipy.spatial.cKDTree(vertices)
    gaps = scipy.spatial.cKDTree(before[jumped]).query(vertices)[0]
    # The nearest vertex belongs to a jump however far it is, or the jump would be forgotten.
    places = np.union1d(np.flatnonzero(gaps <= radius), tree.query(before[jumped])[1])
    touching = scipy.spatial.cKDTree(vertices[places])
    left, right = touching.query_pairs(2 * radius, output_type="ndarray").T
    links = scipy.sparse.coo_array((np.ones(len(left)), (left, right)), shape=(len(places), len(places)))
    groups, group = scipy.sparse.csgraph.connected_components(links, directed=False)
    offset, nearest = touching.query(before)
    of_move = group[nearest]
    near = (offset <= radius) | jumped
    times = np.bincount(of_move[jumped], minlength=groups)
    chances = times / np.bincount(of_move[near], minlength=groups)
    outcomes, end = np.unique(tree.query(after[jumped])[1], return_inverse=True)
    chance_of = np.zeros((groups, len(outcomes)))
    np.add.at(chance_of, (of_move[jumped], end), 1)
    return places, group, chances, outcomes, chance_of / np.maximum(times, 1)[:, None]
