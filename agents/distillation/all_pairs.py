"""Algorithm 1 a block at a time: every distance from some landmarks is a target."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..training import Batch
from .material import Material


class AllPairs(nn.Module):
    """Regress D towards blocks of shortest-path distances.

    Every entry of a block is a target of Algorithm 1, line 5: one Dijkstra from a landmark gives the sums of path
    weights to all vertices, where a search per pair would give one.
    """

    def __init__(
        self, material: Material, sources: np.ndarray, targets: np.ndarray, batch_sources: int, batch_frames: int
    ) -> None:
        """What to learn from, and how much of it in a step.

        Args:
            material: Graph, frames, network.
            sources: (S,) landmarks.
            targets: (S, V) float32 distance of every vertex from each of them, in steps; NaN where it is not told.
            batch_sources: Landmarks a step.
            batch_frames: Frames a step, landmarks included.
        """
        super().__init__()
        self.network = material.network
        self._material = material
        self._sources = sources
        self._targets = torch.as_tensor(targets, device=material.device)
        self._tells_all = not np.isnan(targets).any()
        self._num_sources = min(batch_sources, len(sources))
        self._num_others = max(1, batch_frames - self._num_sources)

    def sample(self, rng: np.random.Generator) -> Batch:
        """Landmarks by their place among the sources, and other vertices."""
        chosen = rng.choice(len(self._sources), size=self._num_sources, replace=False)
        learn = self._material.learn
        return {"sources": chosen, "vertices": learn[rng.integers(len(learn), size=self._num_others)]}

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of the block from the landmarks to all frames of the batch."""
        vertices = np.concatenate([self._sources[batch["sources"]], batch["vertices"]])
        rows, columns = (torch.as_tensor(x, device=self._targets.device) for x in (batch["sources"], vertices))
        latents = self._material.encode(vertices)
        distance = self._material.head.pairwise(latents[: self._num_sources], latents)
        target = self._targets[rows[:, None], columns]  # whole rows would be copied by targets[rows][:, columns]
        if not self._tells_all:
            told = ~target.isnan()
            distance, target = distance[told], target[told]
        return self._material.loss(distance, target)

    def figures(self) -> dict[str, float]:
        """Nothing but what the metric's own validation says."""
        return {}
