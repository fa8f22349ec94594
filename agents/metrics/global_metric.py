"""The global metric: an embedding phi whose distance D(s, g) is the shortest-path distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np
import torch

from data_collection.errors import check_name

from ..errors import ConfigError, GraphError
from ..graphs.graph import Graph
from ..graphs.shortest_paths import distances_from
from ..networks import build_trunk, embed_in_chunks
from ..training.loop import Training, train
from .distillation import (
    LOSSES,
    AllPairs,
    AmortizedSearch,
    AmortizedSearchConfig,
    DistillationProblem,
    ValueIteration,
    ValueIterationConfig,
)
from .heads import InUnits, MetricHead, get_head
from .heads.iqe import IQEConfig

_ALGORITHMS = ("all_pairs", "printed", "value_iteration")
_LANDMARKS = 64  # of the validation, where no landmarks are learned from


@dataclass(frozen=True)
class GlobalMetricConfig:
    """The embedding phi and how it is distilled from the graph."""

    trunk: str = "coord_cnn"
    """network that embeds a frame: coord_cnn, cnn, pooled_mlp, resnet18, resnet18_coord, paper_conv"""
    head: str = "l2"
    """metric on latents: l2, lp, squared-l2, iqe"""
    p: float = 2.0
    """of head "lp" alone: the p of its norm, from 1 to inf"""
    iqe: IQEConfig = field(default_factory=IQEConfig)
    """of head "iqe" alone"""
    latent_dim: int = 8
    """dimensions of phi; 2 draws a map"""
    hidden: int = 128
    """width of the hidden layer"""
    algorithm: Literal["all_pairs", "printed", "value_iteration"] = "all_pairs"
    """"all_pairs": Algorithm 1 on blocks of pairs, by the five options from ``sources`` to ``learning_rate``;
    "printed": Algorithm 1 as printed; "value_iteration": Algorithm 2; each of those by its own options"""
    unit: float | None = 1.0
    """steps that D is counted in while it is learned; None for the median target. Distances of a new network are small:
    the paper scales its targets to meet them (Table 4)"""
    loss: Literal["relative", "absolute"] = "relative"
    """"relative": smooth L1 of (D - target) / (target + 1); "absolute": |D - target|, as printed"""
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
    printed: AmortizedSearchConfig = field(default_factory=AmortizedSearchConfig)
    """of algorithm "printed" alone"""
    value_iteration: ValueIterationConfig = field(default_factory=ValueIterationConfig)
    """of algorithm "value_iteration" alone"""

    def __post_init__(self) -> None:
        if self.unit is not None and not 0 < self.unit < math.inf:
            raise ConfigError(f"unit is {self.unit}; D is counted in steps above 0; None takes the median target")

    def new_head(self) -> MetricHead:
        """The metric on latents.

        Raises:
            UnknownNameError: for an unknown head.
            ConfigError: for an option that it cannot have.
        """
        options = {"lp": {"p": self.p}, "iqe": asdict(self.iqe)}
        return get_head(self.head, **options.get(self.head, {}))


class GlobalMetric:
    """D(x, g) = head(phi(x), phi(g)), V = -D, in steps."""

    def __init__(self, config: GlobalMetricConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        check_name("algorithm", config.algorithm, _ALGORITHMS)
        self.config = config
        self.device = device
        self.head = config.new_head()
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
        told: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> tuple[GlobalMetric, dict[str, float]]:
        """Regress D towards shortest-path distances, by the algorithm of the configuration.

        Args:
            config: What to learn.
            frames: (V, ...) observation of each vertex.
            held_out: (V,) bool, vertices never trained on, for validation.
            graph: The graph over those vertices.
            training: How to run.
            stage: Name in logs and checkpoints.
            told: (S,) landmarks -> (S, V) bool, which of their distances may be learned from, for "all_pairs" alone;
                all of them by default.

        Returns:
            The metric and its validation figures on pairs (landmark, held-out vertex): ``relative_error`` (mean of
            |D - target| / (target + 1)), ``correlation`` (Pearson); and those of the algorithm.

        Raises:
            GraphError: if some vertex cannot be reached, so that it has no distance.
            UnknownNameError: for an unknown algorithm, loss, trunk or head.
            ConfigError: for an option that cannot be.
        """
        check_name("loss", config.loss, LOSSES)
        rng = training.rng(f"{stage}-landmarks", 0)
        learn = np.flatnonzero(~held_out)
        landmarks = config.sources if config.algorithm == "all_pairs" else _LANDMARKS
        sources = np.sort(rng.choice(learn, size=min(landmarks, len(learn)), replace=False))
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
        known = targets if told is None else np.where(told(sources), targets, np.float32(np.nan))
        unit = _median_distance(known[:, learn]) if config.unit is None else config.unit
        head = metric.head if unit == 1 else InUnits(metric.head, unit)
        problem = DistillationProblem(graph, frames, learn, metric.network, head, LOSSES[config.loss], training.device)
        figures = metric._train(problem, sources, known, training, stage)
        if unit != 1:
            metric.network.scale_latents(unit ** (1 / metric.head.degree))  # from here on D is in steps
        check = np.flatnonzero(held_out) if held_out.any() else learn
        return metric, {**metric._validate(frames, sources, check, targets), **figures}

    def _train(
        self, problem: DistillationProblem, sources: np.ndarray, targets: np.ndarray, training: Training, stage: str
    ) -> dict[str, float]:
        config = self.config
        way: AllPairs | AmortizedSearch | ValueIteration
        chosen: GlobalMetricConfig | AmortizedSearchConfig | ValueIterationConfig = config
        if config.algorithm == "all_pairs":
            way = AllPairs(problem, sources, targets, config.batch_sources, config.batch_frames)
        elif config.algorithm == "printed":
            way, chosen = AmortizedSearch(config.printed, problem), config.printed
        else:
            way, chosen = ValueIteration(config.value_iteration, problem), config.value_iteration
        train(
            stage,
            way,
            way.sample,
            way.loss,
            steps=chosen.steps,
            learning_rate=chosen.learning_rate,
            training=training,
            frames=training.frames(problem.network, problem.frames),
            rows=way.rows,
            ahead=isinstance(way, AllPairs),  # the others plan by what they have learned
        )
        return way.figures()

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


def _median_distance(targets: np.ndarray) -> float:
    """The median of those that are told and above 0; 1 where there are none."""
    told = targets[targets > 0]  # NaN is not
    return float(np.median(told)) if len(told) else 1.0
