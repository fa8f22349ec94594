"""The paper's own local metric: one network sees two stacked images and says how many steps lie between (App. G)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_collection import Dataset
from data_collection.errors import check_name

from ..networks import Standardiser, in_chunks, mlp
from ..networks.learning_memory import blank, step_bytes
from ..training.loop import Batch, Tensors, Training, train
from ..training.network_arrays import SavedNetwork

_SIDE = 64  # of the images that the printed networks take
_CUT = 1.5  # steps; half-way between "neighbour" and "far" (Table 5)


@dataclass(frozen=True)
class PairMetricConfig:
    """The stacked-pair local metric d(x, y), in transition steps."""

    network: str = "maze"
    """which of the two printed networks (App. G): "maze" (LocalMetricConvLarge) or "rope_streetlearn", which is eleven
    times the work; vectors get an MLP on their concatenation"""
    positive_window: int = 1
    """frames at most this many recorded steps apart are neighbours (App. B.2: 2 on rope); so many are then 1 of d"""
    steps: int = 800
    """gradient steps"""
    batch_size: int = 64
    """pairs a step, identical : neighbour : far = 1 : 1 : 2 (App. B.1)"""
    learning_rate: float = 3e-3
    """peak of the one-cycle schedule"""

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the observations, and another for the device; the frames of the vertices; a step."""
        with torch.random.fork_rng(devices=[]):
            network = StackedPair(self.network, size.observation_shape)
        x = blank(size.observation_shape)
        step = step_bytes(network, lambda: network(x, x))
        return 2 * size.observation_bytes + size.vertices * size.row_bytes + self.batch_size * step


PAPER_PAIR_METRIC = PairMetricConfig(steps=50_000, batch_size=32, learning_rate=1e-4)
"""App. B.1, rooms: 40 epochs of the 40,000 pairs that 1000 rollouts of 10 steps give at 1 : 1 : 2, Adam at 1e-4. The
batch is that of the released code; the schedule stays one-cycle."""

ROPE_PAIR_METRIC = PairMetricConfig(
    "rope_streetlearn", positive_window=2, steps=17_500, batch_size=16, learning_rate=1e-4
)
"""App. B.2, rope: 5 epochs in batches of 16, Adam at 1e-4, neighbours up to k = 2. The paper does not say how many
pairs an epoch has; here 14,000 neighbours at 1 : 1 : 2."""


class PairMetric(SavedNetwork):
    """Regresses 0, 1 and 2 steps for identical, neighbouring and far frames (Eq. 5), with smooth L1.

    Nothing makes it a metric: d(x, y) and d(y, x) differ, and d(x, x) is not 0.
    """

    def __init__(self, config: PairMetricConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        """Untrained.

        Raises:
            UnknownNameError: for an unknown network, with the closest known name.
        """
        self.config = config
        self.device = device
        self.network: StackedPair = StackedPair(config.network, observation_shape).to(device)

    @classmethod
    def fit(
        cls, config: PairMetricConfig, learn: Dataset, held_out: Dataset, training: Training
    ) -> tuple[Self, dict[str, float]]:
        """Learn from pairs of some trajectories, validate on pairs of others.

        Args:
            config: What to learn.
            learn: Trajectories to train on.
            held_out: Trajectories to validate on.
            training: How to run.

        Returns:
            The metric and its validation figures on held-out pairs at 1:1:2: ``accuracy`` (share on the right side of
            1.5 steps, far pairs unfiltered; Table 5), and the means ``identical``, ``neighbour`` and ``far`` of d.
        """
        with training.seeded_torch("pair"):
            metric = cls(config, learn.observation_shape, training.device)
        metric.network.standardise.fit(learn.observations)
        metric._train(learn, training)
        return metric, metric._validate(held_out, training.rng("pair-validation", 0))

    def _train(self, dataset: Dataset, training: Training) -> None:
        def sample(rng: np.random.Generator) -> Batch:
            pairs = dataset.sample_pairs(self.config.batch_size, reach=self.config.positive_window, rng=rng)
            return {"left": pairs.left, "right": pairs.right, "target": pairs.target.astype(np.float32)}

        def loss(batch: Tensors) -> torch.Tensor:
            return F.smooth_l1_loss(self.network(*batch["frames"].chunk(2)), batch["target"])

        def rows(batch: Batch) -> np.ndarray:
            return np.concatenate([batch["left"], batch["right"]])

        frames = training.frames(None, dataset.observations)
        train("pair", self.network, sample, loss, self.config, training, frames=frames, rows=rows)

    def _validate(self, held_out: Dataset, rng: np.random.Generator) -> dict[str, float]:
        pairs = held_out.sample_pairs(
            min(4000, 4 * held_out.num_transitions), reach=self.config.positive_window, rng=rng
        )
        found = self.distance(held_out.observations[pairs.left], held_out.observations[pairs.right])
        means = {
            name: float(found[pairs.target == k].mean()) for k, name in enumerate(("identical", "neighbour", "far"))
        }
        # Identical and near are one class here: a blocked action makes a neighbour pair of two equal frames.
        return {"accuracy": float(((found > _CUT) == (pairs.target == 2)).mean()), **means}

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps; saturates at about 2.

        The printed networks end in a linear layer, which may fall below 0; that is cut.
        """
        chunk = 64 if self.device.type == "cpu" else 2048  # as in embed_in_chunks

        def work(rows: np.ndarray) -> torch.Tensor:
            return self.network(*(torch.tensor(each[rows], device=self.device) for each in (x, y))).clamp(min=0)

        with torch.inference_mode():
            return in_chunks(work, np.arange(len(x)), chunk).cpu().numpy()


class StackedPair(nn.Module):
    """(x, y) -> d: images stacked channel-wise, vectors concatenated, both standardised before.

    The printed networks take 64x64 images; those of another size are pooled, or repeated, to it.
    """

    def __init__(self, name: str, observation_shape: Sequence[int]) -> None:
        super().__init__()
        check_name("pair network", name, PAIR_NETWORKS)
        self.standardise = Standardiser(observation_shape)
        self.is_image = len(observation_shape) == 3
        self.resize = self.is_image and tuple(observation_shape[1:]) != (_SIDE, _SIDE)
        inputs = 2 * observation_shape[0]
        self.trunk = _pair_network(name, inputs) if self.is_image else mlp([inputs, 128, 128, 1])
        self.trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.4 times faster on a CPU

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """(B, ...) and (B, ...) observations -> (B,) steps, from a linear layer, so without bounds."""
        stacked = torch.cat([self.standardise(x), self.standardise(y)], 1)
        if self.resize:
            stacked = F.adaptive_avg_pool2d(stacked, _SIDE)
        return self.trunk(stacked).squeeze(1)


PAIR_NETWORKS: dict[str, tuple[Sequence[tuple[int, int]], int]] = {
    "maze": (((32, 2), (64, 2), (64, 2), (32, 2)), 128),
    "rope_streetlearn": (((128, 2), (128, 2), (128, 1), (128, 1), (128, 1), (128, 1)), 512),
}
"""(channels, stride) of the convolutions and features that they leave, as printed (App. G: LocalMetricConvLarge of
"Maze Local Metric", LocalMetric of "Rope and Street Learn")"""


def _pair_network(name: str, inputs: int) -> nn.Sequential:
    """One of the printed networks: (B, inputs, 64, 64) -> (B, 1)."""
    convolutions, features = PAIR_NETWORKS[name]
    layers: list[nn.Module] = []
    for outputs, stride in convolutions:
        layers += [nn.Conv2d(inputs, outputs, 4, stride=stride), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), *mlp([features, 128, 100, 1]))
