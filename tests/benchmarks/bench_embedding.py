"""What grows with the number of frames beside the graph: latents of frames, and vertices spread over them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from harness import Growth, Quantity, run, seconds  # first: it sets the threads

# isort: split
import numpy as np
from small_agents import small_agent

from agents.graphs.landmarks import farthest_points
from agents.training.loop import one_torch_thread
from data_collection import make_dataset

SIZES = (1_000, 3_000, 10_000, 30_000)
VERTICES = 1_000


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure both networks, then farthest points, over the number of frames."""
    env_id = "Plan2vec/CMaze-v0"
    agent = small_agent(env_id)
    seen = make_dataset(env_id, size="30x10", progress=False).observations
    frames = np.resize(seen, (max(SIZES), *seen.shape[1:]))
    latents = np.random.default_rng(0).uniform(size=(max(SIZES), 32)).astype(np.float32)

    def spread(size: int) -> int:
        assert len(farthest_points(latents[:size], VERTICES, 0)) == min(size, VERTICES)
        return size

    works = {
        "local latents": lambda size: len(agent.local_metric.embed(frames[:size])),
        "latents": lambda size: len(agent.embed(frames[:size])),
        f"{VERTICES:,} vertices spread": spread,
    }
    growth = Growth("frames")
    with one_torch_thread():
        for name, work in works.items():
            found = seconds([(partial(work, size), min(repeats, 3)) for size in SIZES])
            for size, each in zip(SIZES, found, strict=True):
                yield growth.rate(name, size, "frames/s", *each)
    yield from growth.exponents()


if __name__ == "__main__":
    run(bench)
