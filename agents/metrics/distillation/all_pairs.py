"""Algorithm 1 a block at a time: every distance from some landmarks is a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from ...training.loop import Batch, Tensors
from .material import DistillationProblem


@dataclass(frozen=True)
class LandmarkRegressionConfig:
    """The landmarks and the blocks of their distances."""

    kind: ClassVar[str] = "landmark_regression"
    sources: int = 512
    """landmarks from which Dijkstra runs"""
    steps: int = 800
    """gradient steps"""
    batch_sources: int = 128
    """landmarks per step"""
    batch_frames: int = 256
    """frames per step, landmarks included: the loss sees a batch_sources x batch_frames block of distances"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""

    def start(self, problem: DistillationProblem, sources: np.ndarray, targets: np.ndarray) -> LandmarkRegression:
        """What is trained; see ``LandmarkRegression``."""
        return LandmarkRegression(problem, sources, targets, self.batch_sources, self.batch_frames)


class LandmarkRegression(nn.Module):
    """Regress D towards blocks of shortest-path distances.

    Every entry of a block is a target of Algorithm 1, line 5: one Dijkstra from a landmark gives the sums of path
    weights to all vertices, where a search per pair would give one.
    """

    draws_ahead: ClassVar[bool] = True

    def __init__(
        self,
        problem: DistillationProblem,
        sources: np.ndarray,
        targets: np.ndarray,
        batch_sources: int,
        batch_frames: int,
    ) -> None:
        """What to learn from, and how much of it in a step.

        Args:
            problem: Graph, frames, network.
            sources: (S,) landmarks.
            targets: (S, V) float32 distance of every vertex from each of them, in steps; NaN where it is unknown.
            batch_sources: Landmarks per step.
            batch_frames: Frames per step, landmarks included.
        """
        super().__init__()
        self.network = problem.network
        self._problem = problem
        self._sources, self._places = sources, torch.as_tensor(sources, device=problem.device)
        self._targets = torch.as_tensor(targets, device=problem.device)
        self._all_known = not np.isnan(targets).any()
        self._num_sources = min(batch_sources, len(sources))
        self._num_others = max(1, batch_frames - self._num_sources)

    def sample(self, rng: np.random.Generator) -> Batch:
        """Landmarks by their place among the sources, and other vertices."""
        chosen = rng.choice(len(self._sources), size=self._num_sources, replace=False)
        learn = self._problem.learn
        return {"sources": chosen, "vertices": learn[rng.integers(len(learn), size=self._num_others)]}

    def rows(self, batch: Batch) -> np.ndarray:
        """The vertices of a batch: landmarks, then the others."""
        return np.concatenate([self._sources[batch["sources"]], batch["vertices"]])

    def loss(self, batch: Tensors) -> torch.Tensor:
        """The loss of the block from the landmarks to all frames of the batch."""
        rows = batch["sources"]
        latents = self._problem.encode(batch["frames"])
        distance = self._problem.pairwise(latents[: self._num_sources], latents)
        target = self._targets[rows[:, None], torch.cat([self._places[rows], batch["vertices"]])]
        if not self._all_known:
            known = ~target.isnan()
            distance, target = distance[known], target[known]
        return self._problem.loss(distance, target)

    def figures(self) -> dict[str, float]:
        """Nothing but what the metric's own validation says."""
        return {}
