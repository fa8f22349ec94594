"""How far off are distances that were put together from shards? ``python tests/benchmarks/sharded_paths.py --help``.

A prototype of the design "shards" of docs/scaling.md, on one machine: points uniform in a box, cells with all that lies
within an edge's length around them, landmarks in each, the shortest ways between landmarks of neighbouring cells over
the border that both know, and a coarse search over landmarks. Beside it Dijkstra on the whole graph.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np
from bench_graphs import box_side
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from agents.graphs.landmarks import farthest_points
from agents.graphs.neighbours.within_radius import near_pairs
from tests.benchmarks.forecast.designs import halo_share


def graph_of(points: np.ndarray) -> coo_array:
    """Symmetric, an edge wherever two points are within 1, weighing their distance."""
    near = near_pairs(points, 1.0)
    weights = np.linalg.norm(points[near[:, 0]] - points[near[:, 1]], axis=1)
    rows, columns = np.concatenate([near, near[:, ::-1]]).T
    return coo_array((np.tile(weights, 2), (rows, columns)), shape=(len(points),) * 2)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="points")
    parser.add_argument("--dimensions", type=int, default=2)
    parser.add_argument("--cells", type=int, default=3, help="along each dimension")
    parser.add_argument("--landmarks", type=int, default=64, help="of a cell")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    side = box_side(args.size, args.dimensions)
    points = rng.uniform(0, side, (args.size, args.dimensions)).astype(np.float32)

    began = time.process_time()
    whole = graph_of(points).tocsr()
    chosen = rng.choice(args.size, 32, replace=False)
    exact = dijkstra(whole, indices=chosen)
    print(f"whole: {time.process_time() - began:.1f} s for the graph and {len(chosen)} sources")

    width = side / args.cells
    cell = np.minimum((points / width).astype(int), args.cells - 1)
    corners = list(itertools.product(range(args.cells), repeat=args.dimensions))
    known, inside, ways, marks = [], [], [], []
    began = time.process_time()
    for corner in corners:
        low = np.array(corner) * width
        rows = np.flatnonzero(((points >= low - 1) & (points <= low + width + 1)).all(1))
        own = (cell[rows] == corner).all(1)
        here = np.flatnonzero(own)[farthest_points(points[rows[own]], args.landmarks, 0)]
        ways.append(dijkstra(graph_of(points[rows]).tocsr(), indices=here))
        known.append(rows)
        inside.append(own)
        marks.append(rows[here])
    first = np.cumsum([0, *map(len, marks)])
    edges = []
    for a, b in itertools.combinations_with_replacement(range(len(corners)), 2):
        if max(abs(x - y) for x, y in zip(corners[a], corners[b], strict=True)) > 1:
            continue
        _, at_a, at_b = np.intersect1d(known[a], known[b], return_indices=True)
        mine, its = ways[a][:, at_a], ways[b][:, at_b]
        if a == b:
            between = mine[:, np.searchsorted(known[a], marks[a])]
        else:
            between = np.stack([(row + its).min(1) for row in mine])
        i, j = np.nonzero(np.isfinite(between))
        edges.append(np.stack([first[a] + i, first[b] + j, between[i, j] + 1e-9], 1))
    start, end, weight = np.concatenate(edges).T
    coarse = coo_array((weight, (start.astype(int), end.astype(int))), shape=(first[-1],) * 2).tocsr()
    far = dijkstra(coarse, directed=False)
    print(f"shards: {time.process_time() - began:.1f} s for {len(corners)} of them, {first[-1]} landmarks")

    found = np.full_like(exact, np.inf)
    for a, corner in enumerate(corners):
        at = np.flatnonzero((cell[chosen] == corner).all(1))
        column = np.searchsorted(known[a], chosen[at])
        for s, c in zip(at, column, strict=True):
            to_marks = (ways[a][:, c][:, None] + far[first[a] : first[a + 1]]).min(0)  # from a source to all landmarks
            for b in range(len(corners)):
                own = to_marks[first[b] : first[b + 1], None] + ways[b][:, inside[b]]
                rows = known[b][inside[b]]
                found[s, rows] = np.minimum(found[s, rows], own.min(0))
    # Nearer ones are searched for in the shards themselves; a few points have no neighbour at all.
    away = (exact > 2 * width) & np.isfinite(exact)
    error = found[away] / exact[away] - 1
    assert error.min() > -1e-6, "a way that was put together is a way, so never shorter than the shortest"
    halo = np.mean([len(rows) for rows in known]) / np.mean([own.sum() for own in inside]) - 1
    formula = halo_share(args.size / len(corners), args.dimensions)
    print(
        f"{args.size:,} points in {args.dimensions} dimensions, {len(corners)} shards, {args.landmarks} landmarks "
        f"each: too long by {np.median(error):.1%} in the median, {np.quantile(error, 0.95):.1%} for 1 in 20; around a "
        f"shard lie {halo:.0%} of its vertices (an inner one by the formula: {formula:.0%})"
    )


if __name__ == "__main__":
    main()
