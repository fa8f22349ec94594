"""A graph and the distances from 256 of its vertices, by the clock: ``python tests/benchmarks/graph_and_sources.py``.

The points are those of ``bench_graphs``, which measures each step by itself; here the sources are shared among
processes, as ``distances_from(graph, sources, jobs=2)`` does, and the memory of all of them counts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import threading
import time
from pathlib import Path

import numpy as np
from bench_graphs import DEGREE, DIMENSIONS, box_side, build

from agents.graphs.neighbours.within_radius import near_pairs
from agents.graphs.shortest_paths import distances_from
from agents.networks.device_memory import peak_memory


class Others(threading.Thread):
    """Watches the memory of other processes: what the system says of them at their end counts this one's too."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0  # GiB, of the largest

    def run(self) -> None:
        """Look five times a second; Linux alone tells."""
        while True:
            for process in multiprocessing.active_children():
                try:
                    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                except OSError:
                    continue
                kib = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
                self.peak = max(self.peak, *(each / 2**20 for each in kib), 0.0)
            time.sleep(0.2)


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="vertices")
    parser.add_argument("--sources", type=int, default=256)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    points = rng.uniform(0, box_side(args.size), (args.size, DIMENSIONS)).astype(np.float32)
    recorded = near_pairs(points, 1.0)[::DEGREE]  # not counted: a dataset has them
    others = Others()
    others.start()
    begin = time.perf_counter()
    graph = build(points, recorded)
    built = time.perf_counter()
    rows = distances_from(graph, rng.choice(args.size, args.sources, replace=False), jobs=args.jobs)
    end = time.perf_counter()
    assert np.isfinite(rows).all()
    processor = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    parent = peak_memory() / 2**30
    print(
        f"{args.size:,} vertices, {graph.num_edges:,} edges, {args.sources} sources, {args.jobs} processes: "
        f"{end - begin:.1f} s by the clock ({built - begin:.1f} to build, {end - built:.1f} to search), "
        f"{processor:.0f} s of the processor in all; peak {parent:.1f} GiB here and "
        f"{others.peak:.1f} in the largest other process"
    )


if __name__ == "__main__":
    main()
