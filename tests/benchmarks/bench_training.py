"""Images a second that the quick networks learn from, by batch and by data, and the rest of a fit.

A step of one network alone; then the two metrics as they are fitted, with their losses: the steps, and all the rest of
the fit (statistics, preparing all images, calibration or shortest paths, validation).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from harness import Growth, Quantity, Work, run, seconds  # first: it sets the threads

# isort: split
import numpy as np
import torch
from training_step import FRAME, training_step

from agents.graphs.graph import Graph
from agents.metrics import global_metric
from agents.metrics import local as local_metric
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.networks import build_trunk, prepare_in_chunks
from agents.training.loop import Training, one_torch_thread
from agents.training.workdir import Workdir
from data_collection import Dataset

TRUNKS, BATCHES, SIZES, HORIZON, STEPS = (
    ("pooled_mlp", "coord_cnn"),
    (16, 64, 256, 1024),
    (1000, 3000, 10_000, 30_000),
    9,
    30,
)


def images(count: int) -> Dataset:
    """Random pixels in episodes of ten: what a step costs does not depend on what is seen."""
    frames = np.random.default_rng(0).integers(0, 256, (count, *FRAME), dtype=np.uint8)
    return Dataset(frames, None, np.full(count // (HORIZON + 1), HORIZON))


def fit_local(dataset: Dataset) -> int:
    """The local metric of the defaults, with few steps; images that the steps learned from."""
    config = local_metric.LocalMetricConfig(steps=STEPS)
    few = dataset.take_episodes(np.arange(20))
    local_metric.LocalMetric.fit(config, dataset, few, _training())
    return STEPS * config.members * 2 * config.batch_pairs


def fit_global(dataset: Dataset) -> int:
    """The global metric of the defaults on a ring of all images."""
    count = len(dataset.observations)
    ring = np.stack([np.arange(count), np.roll(np.arange(count), -1)], 1)
    edges = np.column_stack([np.concatenate([ring, ring[:, ::-1]]), np.ones(2 * count)])
    blocks = LandmarkRegressionConfig(steps=STEPS)
    config = global_metric.GlobalMetricConfig(algorithm=blocks)
    held_out = np.arange(count) % 10 == 0
    global_metric.GlobalMetric.fit(config, dataset.observations, held_out, Graph.from_edges(count, edges), _training())
    return STEPS * blocks.batch_frames


def _training() -> Training:
    return Training(0, Workdir(None), torch.device("cpu"), progress=False)


def split(module: Any, fit: Callable[[Dataset], int], dataset: Dataset) -> tuple[int, float, float]:
    """Images learned from, seconds of the steps, and seconds of the rest of the fit."""
    in_steps, train = [], module.train

    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        found = train(*args, **kwargs)
        in_steps.append(time.process_time() - began)
        return found

    with mock.patch.object(module, "train", timed):
        began = time.process_time()
        done = fit(dataset)
        return done, sum(in_steps), time.process_time() - began - sum(in_steps)


def by_batch(repeats: int) -> Iterator[Quantity]:
    """Steps of each network alone."""
    growth = Growth("images a step")
    for batch in BATCHES:
        works: list[Work] = []
        for trunk in TRUNKS:
            step = training_step(trunk, batch, latent_dim=8)
            works.append(lambda step=step, batch=batch: sum(step() for _ in range(max(5, 4096 // batch))))
        for trunk, (done, taken) in zip(TRUNKS, seconds([(work, repeats) for work in works]), strict=True):
            yield growth.rate(f"{trunk} learns", batch, "images/s", done, taken)
    yield from growth.exponents()


def by_data(repeats: int) -> Iterator[Quantity]:
    """Both metrics, and preparing by itself."""
    growth = Growth("images")
    for size in SIZES:
        dataset = images(size)
        for trunk in TRUNKS:
            network = build_trunk(trunk, FRAME, 8, 128)
            work = lambda n=network, d=dataset: len(prepare_in_chunks(n.prepare, d.observations, torch.device("cpu")))  # noqa: E731
            ((_, taken),) = seconds([(work, repeats)])
            yield growth.time(f"{trunk} prepares", size, taken)
        for name, module, fit in (("local", local_metric, fit_local), ("global", global_metric, fit_global)):
            parts = [split(module, fit, dataset) for _ in range(repeats + 1)][1:]
            yield growth.rate(f"{name} metric learns", size, "images/s", parts[0][0], [steps for _, steps, _ in parts])
            yield growth.time(f"{name} metric, the rest of the fit", size, [rest for _, _, rest in parts])
    yield from growth.exponents()


@one_torch_thread()
def bench(repeats: int) -> Iterator[Quantity]:
    """Measure networks by the batch, then metrics by the data."""
    yield from by_batch(repeats)
    yield from by_data(min(repeats, 3))


if __name__ == "__main__":
    run(bench)
