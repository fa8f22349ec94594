"""What a gradient step of the quick global stage costs, and what the ways to run it cost or save, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from harness import Quantity, against, run

# isort: split
import numpy as np
import torch

from agents.graphs.graph import Graph
from agents.metrics.distillation import LOSSES, DistillationProblem, LandmarkRegression
from agents.metrics.global_metric import GlobalMetricConfig
from agents.networks import CoordCNN, build_trunk
from agents.training.execution import DEFAULT_EXECUTION, Execution
from agents.training.gradient_steps import Draws, GradientSteps
from agents.training.loop import Training, one_torch_thread
from agents.training.workdir import Workdir

SHAPE, VERTICES, STEPS = (1, 64, 64), 8000, 20


class EachImage(CoordCNN):
    """The same network with statistics and places applied to every image, in place of the first layer."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, rows, columns, 16) -> (B, D)."""
        x = self.standardise(x.unflatten(-1, (-1, self.patches.SIDE**2, 1))).flatten(-3)
        assert self.where is not None
        features = (self.what(x) + self.where(self.places)).permute(0, 3, 1, 2)
        for layer in (*self.conv, *self.fully):
            features = features.relu() if isinstance(layer, torch.nn.ReLU) else layer(features)
        return features


def stepper(execution: Execution = DEFAULT_EXECUTION, each_image: bool = False) -> Callable[[], int]:
    """Steps on random images and distances: what is learned does not change what it costs."""
    rng, device, config = np.random.default_rng(0), torch.device("cpu"), GlobalMetricConfig()
    frames = rng.integers(0, 256, (VERTICES, *SHAPE), dtype=np.uint8)
    targets = rng.uniform(0, 30, (config.algorithm.sources, VERTICES)).astype(np.float32)
    torch.manual_seed(0)
    new = (EachImage, SHAPE) if each_image else (build_trunk, config.trunk, SHAPE)
    network = new[0](*new[1:], config.latent_dim, config.hidden)
    network.standardise.fit(frames)
    graph = Graph.from_edges(VERTICES, np.zeros((0, 3)))
    problem = DistillationProblem(
        graph, frames, np.arange(VERTICES), network, config.head, 1.0, LOSSES[config.loss], device
    )
    block = config.algorithm.batch_sources, config.algorithm.batch_frames
    way = LandmarkRegression(problem, np.arange(config.algorithm.sources), targets, *block)
    training = Training(0, Workdir(None), device, progress=False, execution=execution)
    how = {"device": device, "ranks": training.ranks}
    draws = Draws(
        way.sample, partial(training.rng, "global"), steps=10**6, accumulate=execution.accumulate, **how,
        frames=training.frames(network, frames), rows=way.rows,
    )  # fmt: skip
    update = GradientSteps(way, draws, way.loss, steps=10**6, learning_rate=1e-3, execution=execution, **how)
    done = 0

    def work() -> int:
        nonlocal done
        for _ in range(STEPS):
            update(done)
            done += 1
        return STEPS * execution.accumulate

    return one_torch_thread()(work)


def bench(repeats: int) -> Iterator[Quantity]:
    """Micro-batches a second."""
    others = {
        "statistics applied to each image": stepper(each_image=True),
        "frames read batch by batch": stepper(Execution(frame_bytes=0)),
    }
    yield from against("global stage", "batches/s", stepper(), others, repeats, their_repeats=repeats)


if __name__ == "__main__":
    run(bench)
