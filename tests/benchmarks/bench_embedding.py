"""What grows with the number of frames beside the graph: latents of frames, and vertices spread over them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median

from harness import Quantity, exponent, rate_of, run, seconds  # first: it sets the threads

# isort: split
import numpy as np

from agents import Plan2Vec
from agents.coverage import spread_rows
from agents.global_metric import GlobalMetricConfig
from agents.local_metric import LocalMetricConfig
from agents.plan2vec import Plan2VecConfig
from agents.training import one_torch_thread
from data_collection import make_dataset

SIZES = (1_000, 3_000, 10_000, 30_000)
VERTICES = 1_000


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure both networks, then farthest points, over the number of frames."""
    dataset = make_dataset("Plan2vec/CMaze-v0", size="1000x10", progress=False).without_oracle()
    few = Plan2VecConfig(
        LocalMetricConfig(steps=2), global_metric=GlobalMetricConfig(steps=2)
    )  # as quick as trained ones
    agent = Plan2Vec(few).fit(dataset, progress=False)
    frames = np.resize(dataset.observations, (max(SIZES), *dataset.observation_shape))
    latents = np.random.default_rng(0).uniform(size=(max(SIZES), 32)).astype(np.float32)
    works = {
        "local latents": lambda size: len(agent.local_metric.embed(frames[:size])),
        "latents": lambda size: len(agent.embed(frames[:size])),
        f"{VERTICES:,} vertices spread": lambda size: (
            size * bool(len(spread_rows(latents[:size], VERTICES, np.random.default_rng(0))))
        ),
    }
    with one_torch_thread():
        for name, work in works.items():
            found = seconds([(partial(work, size), min(repeats, 3)) for size in SIZES])
            for size, (done, taken) in zip(SIZES, found, strict=True):
                yield rate_of(f"{name}, {size:,} frames", "frames/s", done, taken)
            slope = exponent(SIZES, [median(taken) for _, taken in found])
            yield Quantity(f"{name}: exponent", "", slope, slope, slope)


if __name__ == "__main__":
    run(bench)
