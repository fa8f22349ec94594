"""The global metric: an embedding phi whose distance D(s, g) is the shortest-path distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch

from data_collection.errors import check_name

from ..errors import ConfigError, GraphError
from ..graphs.graph import Graph
from ..graphs.shortest_paths import distances_from
from ..networks import build_trunk
from ..networks.learning_memory import learning_bytes
from ..training.loop import Training, train
from .distillation import (
    LOSSES,
    AmortizedSearchConfig,
    DistillationProblem,
    LandmarkRegressionConfig,
    ValueIterationConfig,
)
from .heads import MetricHead
from .heads.l2 import L2Head
from .latent_metric import NetworkMetric


@dataclass(frozen=True)
class GlobalMetricConfig:
    """The embedding phi, a network of constant size, and how it is distilled from the graph."""

    kind: ClassVar[str] = "network"
    trunk: str = "coord_cnn"
    """network that embeds a frame: coord_cnn, cnn, pooled_mlp, resnet18, resnet18_coord, paper_conv"""
    head: MetricHead = field(default_factory=L2Head)
    """metric on latents: l2, lp, squared-l2, iqe, each with its own options"""
    latent_dim: int = 8
    """dimensions of phi; 2 draws a map"""
    hidden: int = 128
    """width of the hidden layer"""
    algorithm: LandmarkRegressionConfig | AmortizedSearchConfig | ValueIterationConfig = field(
        default_factory=LandmarkRegressionConfig
    )
    """"landmark_regression": Algorithm 1 on blocks of pairs; "amortized_search": Algorithm 1 as printed;
    "value_iteration": Algorithm 2; each with its own options"""
    target_scale: float | None = 1.0
    """targets are divided by this during training, and D is multiplied back afterwards; None: the median target
    (Table 4). Distances of a new network are small: the paper scales its targets to meet them"""
    loss: Literal["relative", "absolute"] = "relative"
    """"relative": smooth L1 of (D - target) / (target + 1); "absolute": |D - target|, as printed"""

    def __post_init__(self) -> None:
        if self.target_scale is not None and not 0 < self.target_scale < math.inf:
            raise ConfigError(
                f"target_scale is {self.target_scale}; targets are divided by a number above 0; None takes their median"
            )
        check_name("loss", self.loss, LOSSES)

    def memory_need(self, size: Any) -> int:
        """Bytes: frames of the vertices as they are and as prepared, and the rows of distances."""
        size.latents = self.latent_dim
        learning = learning_bytes(self, size.observation_shape, rows=size.vertices, batch=0)
        distances = min(self.algorithm.sources, size.vertices) * size.vertices
        return 2 * size.vertices * size.row_bytes + learning + distances * 16


class GlobalMetric(NetworkMetric):
    """D(x, g) = head(phi(x), phi(g)), V = -D, in steps."""

    def __init__(self, config: GlobalMetricConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        self.config = config
        self.device = device
        self.head = config.head
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
        known_mask: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> tuple[Self, dict[str, float]]:
        """Regress D towards shortest-path distances, by the algorithm of the configuration.

        Args:
            config: What to learn.
            frames: (V, ...) observation of each vertex.
            held_out: (V,) bool, vertices never trained on, for validation.
            graph: The graph over those vertices.
            training: How to run.
            stage: Name in logs and checkpoints.
            known_mask: (S,) landmarks -> (S, V) bool, which of their distances may be learned from, for
                "landmark_regression" alone; all of them by default.

        Returns:
            The metric and its validation figures on pairs (landmark, held-out vertex): ``relative_error`` (mean of
            |D - target| / (target + 1)), ``correlation`` (Pearson); and those of the algorithm.

        Raises:
            GraphError: if some vertex cannot be reached, so that it has no distance.
            UnknownNameError: for an unknown trunk.
        """
        rng = training.rng(f"{stage}-landmarks", 0)
        learn = np.flatnonzero(~held_out)
        sources = np.sort(rng.choice(learn, size=min(config.algorithm.sources, len(learn)), replace=False))
        targets = distances_from(graph, sources)
        if not np.isfinite(targets).all():
            lost = float((~np.isfinite(targets)).mean())
            raise GraphError(
                f"{lost:.1%} of the vertex pairs have no path, so no distance to learn; "
                "build the graph with bridge=True"
            )
        with training.seeded_torch(stage):
            metric = cls(config, frames.shape[1:], training.device)
        network, head = metric.network, metric.head
        network.standardise.fit(frames[learn])
        known = targets if known_mask is None else np.where(known_mask(sources), targets, np.float32(np.nan))
        scale = _median_distance(known[:, learn]) if config.target_scale is None else config.target_scale
        problem = DistillationProblem(graph, frames, learn, network, head, scale, LOSSES[config.loss], training.device)
        way = config.algorithm.start(problem, sources, known)
        seen = training.frames(network, frames)
        train(
            stage, way, way.sample, way.loss, config.algorithm, training,
            frames=seen, rows=way.rows, ahead=way.draws_ahead,
        )  # fmt: skip
        if scale != 1:
            network.scale_latents(scale ** (1 / head.degree))  # from here on D is in steps
        check = np.flatnonzero(held_out) if held_out.any() else learn
        return metric, {**metric._validate(frames, sources, check, targets), **way.figures()}

    def _validate(
        self, frames: np.ndarray, sources: np.ndarray, vertices: np.ndarray, targets: np.ndarray
    ) -> dict[str, float]:
        with torch.inference_mode():
            ends = (torch.as_tensor(self.embed(frames[rows])) for rows in (sources, vertices))
            found = self.head.pairwise(*ends).numpy()
        target = targets[:, vertices]
        return {
            "relative_error": float((np.abs(found - target) / (target + 1)).mean()),
            "correlation": float(np.corrcoef(found.ravel(), target.ravel())[0, 1]),
        }


def _median_distance(targets: np.ndarray) -> float:
    """The median of those that are known and above 0; 1 where there are none."""
    known = targets[targets > 0]  # NaN is not
    return float(np.median(known)) if len(known) else 1.0
