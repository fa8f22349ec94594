"""The global metric: an embedding phi whose distance D(s, g) is the shortest-path distance (Algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from .errors import GraphError
from .graph import Graph
from .heads import get_head
from .networks import build_trunk, embed_in_chunks, prepare_in_chunks
from .shortest_paths import distances_from
from .training import Batch, Training, train

_SMOOTH = 0.5  # where smooth L1 turns from square to linear, in relative error


@dataclass(frozen=True)
class GlobalMetricConfig:
    """The embedding phi and how it is distilled from the graph."""

    trunk: str = "coord_cnn"
    """network that embeds a frame"""
    head: str = "l2"
    """metric on latents"""
    latent_dim: int = 8
    """dimensions of phi; 2 draws a map"""
    hidden: int = 128
    """width of the hidden layer"""
    sources: int = 512
    """landmarks from which Dijkstra runs"""
    steps: int = 800
    """gradient steps"""
    batch_sources: int = 128
    """landmarks a step"""
    batch_frames: int = 256
    """frames a step, landmarks included: the loss sees a batch_sources x batch_frames block of distances"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""


class GlobalMetric:
    """D(x, g) = head(phi(x), phi(g)), V = -D, in steps."""

    def __init__(self, config: GlobalMetricConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        self.config = config
        self.device = device
        self.head = get_head(config.head)
        self.network = build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden).to(device)

    @classmethod
    def fit(
        cls,
        config: GlobalMetricConfig,
        frames: np.ndarray,
        held_out: np.ndarray,
        graph: Graph,
        training: Training,
        stage: str = "global",
    ) -> tuple[GlobalMetric, dict[str, float]]:
        """Regress D towards shortest-path distances, a block of pairs at a time.

        Every entry of a block is a target of Algorithm 1, line 5: one Dijkstra from a landmark gives the sums of
        path weights to all vertices, where a search per pair would give one. The loss is relative, smooth-L1 of
        (D - target) / (target + 1): near the goal a fraction of a step decides, far away it does not.

        Args:
            config: What to learn.
            frames: (V, ...) observation of each vertex.
            held_out: (V,) bool, vertices never trained on, for validation.
            graph: The graph over those vertices.
            training: How to run.
            stage: Name in logs and checkpoints.

        Returns:
            The metric and its validation figures on pairs (landmark, held-out vertex): ``relative_error`` (mean of
            |D - target| / (target + 1)), ``correlation`` (Pearson).

        Raises:
            GraphError: if some vertex cannot be reached, so that it has no distance.
        """
        rng = training.rng(f"{stage}-landmarks", 0)
        learn = np.flatnonzero(~held_out)
        sources = np.sort(rng.choice(learn, size=min(config.sources, len(learn)), replace=False))
        targets = distances_from(graph, sources)
        if not np.isfinite(targets).all():
            lost = float((~np.isfinite(targets)).mean())
            raise GraphError(
                f"{lost:.1%} of the vertex pairs have no path, so no distance to learn; "
                "build the graph with bridge=True"
            )
        with training.seeded_torch(stage):
            metric = cls(config, frames.shape[1:], training.device)
        metric.network.standardise.fit(frames[learn])
        metric._train(frames, learn, sources, targets, training, stage)
        check = np.flatnonzero(held_out) if held_out.any() else learn
        return metric, metric._validate(frames, sources, check, targets)

    def _train(
        self,
        frames: np.ndarray,
        learn: np.ndarray,
        sources: np.ndarray,
        targets: np.ndarray,
        training: Training,
        stage: str,
    ) -> None:
        prepared = prepare_in_chunks(self.network, frames, self.device)
        wanted = torch.as_tensor(targets, device=self.device)
        num_sources = min(self.config.batch_sources, len(sources))
        num_others = max(1, self.config.batch_frames - num_sources)

        def sample(rng: np.random.Generator) -> Batch:
            chosen = rng.choice(len(sources), size=num_sources, replace=False)
            return {"sources": chosen, "vertices": learn[rng.integers(len(learn), size=num_others)]}

        def loss(batch: Batch) -> torch.Tensor:
            vertices = torch.as_tensor(
                np.concatenate([sources[batch["sources"]], batch["vertices"]]), device=self.device
            )
            target = wanted[torch.as_tensor(batch["sources"], device=self.device)][:, vertices]
            latents = self.network.encode(prepared[vertices])
            distance = self.head.pairwise(latents[:num_sources], latents)
            error = (distance - target) / (target + 1)
            return F.smooth_l1_loss(error, torch.zeros_like(error), beta=_SMOOTH)

        train(
            stage,
            self.network,
            sample,
            loss,
            steps=self.config.steps,
            learning_rate=self.config.learning_rate,
            training=training,
        )

    def _validate(
        self, frames: np.ndarray, sources: np.ndarray, vertices: np.ndarray, targets: np.ndarray
    ) -> dict[str, float]:
        found = self.latent_pairwise(self.embed(frames[sources]), self.embed(frames[vertices]))
        target = targets[:, vertices]
        return {
            "relative_error": float((np.abs(found - target) / (target + 1)).mean()),
            "correlation": float(np.corrcoef(found.ravel(), target.ravel())[0, 1]),
        }

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations, (B, D) float32."""
        return embed_in_chunks(self.network, observations, self.device)

    def latent_distance(self, z: np.ndarray, g: np.ndarray) -> np.ndarray:
        """D between matching latents, (..., D) and (..., D) -> (...) float32, in steps."""
        with torch.inference_mode():
            return self.head.distance(torch.as_tensor(z), torch.as_tensor(g)).numpy()

    def latent_pairwise(self, z: np.ndarray, g: np.ndarray) -> np.ndarray:
        """D between all pairs of latents, (n, D) and (m, D) -> (n, m) float32, in steps."""
        with torch.inference_mode():
            return self.head.pairwise(torch.as_tensor(z), torch.as_tensor(g)).numpy()

    def distance(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        return self.latent_distance(self.embed(x), self.embed(g))
