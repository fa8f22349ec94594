"""Measured rates: what a core of the reference machine takes for the parts of the pipeline, and how that grows.

Each says which quantity of `plan2vec bench` it was taken from; a test holds them to the latest entry of the history
(docs/results/bench.jsonl), so that a version that got slower changes the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """seconds(size) = seconds at ``size`` * (n / size)^exponent."""

    seconds: float
    """of one core, for all of ``size`` things"""
    size: int
    exponent: float
    quantity: str
    """of the history, "bench: name"; empty where it is not in it"""

    def at(self, n: float) -> float:
        """Seconds for n things."""
        return self.seconds * (n / self.size) ** self.exponent


CORE = "one core of an Intel Xeon, one thread"
GPU = "one NVIDIA H200"

COLLECT = Rate(0.288, 11_000, 1.0, "collection: collect, 1,000 rollouts")
"""frames of C-Maze, random actions, 64 x 64 pixels"""
SAVE = Rate(0.198, 11_000, 1.0, "collection: save, 1,000 rollouts")
"""the same into a checksummed file"""
LOCAL_LATENTS = Rate(0.419, 30_000, 1.0, "embedding: local latents, 30,000 frames")
"""frames through the four networks of the quick local metric"""
LATENTS = Rate(0.495, 30_000, 1.0, "embedding: latents, 30,000 frames")
"""frames through the quick global network"""
SPREAD = Rate(0.589, 30_000_000, 1.0, "embedding: 1,000 vertices spread, 30,000 frames")
"""frames looked at times vertices chosen, 32 dimensions"""
GRAPH = Rate(23.6, 1_000_000, 1.24, "graphs: whole graph, 1,000,000 vertices")
"""vertices in up to 8 dimensions, 20 neighbours each: search by a tree, rows, components, bridges"""
GRAPH_BY_INDEX = Rate(5.2, 100_000, 1.38, "graphs: whole graph in 32 dimensions by faiss, 100,000 vertices")
"""the same in 32 dimensions, searched by faiss (extra `ann`)"""
TREE_DIMENSIONS = 8
SOURCE = Rate(0.638, 1_000_000, 1.29, "graphs: sources, 1,000,000 vertices")
"""vertices; the distances of all of them from one"""
LOCAL_STEPS = Rate(5.1, 400, 1.0, "")
"""gradient steps of the quick local metric; the stage "local" of `plan2vec demo`"""
GLOBAL_FRAMES = Rate(15.4, 204_800, 1.0, "training: global metric learns, 3,000 images")
"""frames seen by gradient steps of the quick global network (800 of 256)"""
GLOBAL_FRAMES_GPU = Rate(1.46, 204_800, 1.0, "")
"""the same on a GPU, coord_cnn in float32: `python tests/benchmarks/cuda_training.py --parts rates`"""

CHECKPOINT = 2.0
"""seconds of training that a kill costs at most, as in `agents.training.loop`"""

# Bytes.
FRAME = 64 * 64
FLOAT = 4
EMBEDDING = 8 * FLOAT
EDGES = 20
"""directed, of a vertex: the nearest 20 are kept, in both directions, and some of them are farther than the radius"""
EDGE_BUILT = 150
"""while a graph is made: pairs, weights, rows, in 64 bits; 3.0 GiB at a million vertices"""
EDGE_SEARCHED = 12
"""as scipy's Dijkstra wants it: float64 weight, int32 index"""
VERTEX_SEARCHED = 200
"""nodes of its heap, and rows of distances; 0.7 GiB with the edges at a million vertices"""
PROCESS = 300_000_000
"""Python with its libraries"""
MOST_EDGES = 2**31
"""scipy's Dijkstra counts edges in 32 bits"""
# The four above: `python tests/benchmarks/graph_and_sources.py --size 1000000`.
