"""A global metric for images from a network that says which place it is: the table's latents, averaged under that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch.nn import functional as F

from ...errors import CheckpointError, ConfigError
from ...networks import Trunk, build_trunk, embed_in_chunks, in_chunks
from ...training.loop import Batch, Tensors, Training, train
from ...training.network_arrays import SavedNetwork
from ...training.saving import Arrays
from ..heads import get_head
from ..latent_metric import LatentMetric
from .augmentation import AugmentationConfig
from .table_embedding import TableConfig

_AT_ONCE = 512  # observations, as scores are as wide as there are places


@dataclass(frozen=True)
class ClassifierConfig:
    """The network that says which place an image shows."""

    trunk: str = "cnn"
    """network that embeds a frame; see ``GlobalMetricConfig.trunk``"""
    hidden: int = 256
    """width of the hidden layer"""
    steps: int = 1500
    """gradient steps"""
    batch_frames: int = 256
    """frames a step"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    """made-up nuisance in training, of images"""

    def __post_init__(self) -> None:
        for name in ("hidden", "steps", "batch_frames"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of the classifier is {getattr(self, name)}, need at least 1")


@dataclass(frozen=True)
class ClassifiedConfig:
    """A network says which place it is, a table holds the latents of places: as large as the table."""

    kind: ClassVar[str] = "classified"
    table: TableConfig = field(default_factory=TableConfig)
    """latents of the places"""
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)
    """from an image to its place"""

    def memory_need(self, size: Any) -> int:
        """Bytes: the table, and the frames twice."""
        return self.table.memory_need(size) + 2 * size.rows * size.row_bytes


class ClassifiedMetric(SavedNetwork, LatentMetric):
    """phi(x) = sum_v p(v | x) phi_v over all places v, and D(x, g) = ||phi(x) - phi(g)||^2.

    A network regressing phi itself has to put every place at its latents, and what it gets wrong is a wrong place
    somewhere between. Saying which place it is asks only what pictures can answer; the table says where that is. It
    grows with the number of places, like the table, and not with the number of pictures.
    """

    tables = ("table",)

    def __init__(
        self, config: ClassifierConfig, observation_shape: tuple[int, ...], table: np.ndarray, device: torch.device
    ) -> None:
        """Untrained; ``table`` holds the (V, D) latents of the places."""
        self.config, self.table, self.device = config, table, device
        self.head = get_head("squared-l2")
        self.network: Trunk = build_trunk(config.trunk, observation_shape, len(table), config.hidden).to(device)

    @classmethod
    def fit(
        cls,
        config: ClassifierConfig,
        frames: np.ndarray,
        places: np.ndarray,
        table: np.ndarray,
        training: Training,
        stage: str = "global",
    ) -> tuple[ClassifiedMetric, dict[str, float]]:
        """Learn which place each frame shows, by cross-entropy.

        Args:
            config: What to learn.
            frames: (U, ...) observations.
            places: (U,) int64, place of each.
            table: (V, D) float32, latents of the places.
            training: How to run.
            stage: Name in logs and checkpoints.

        Returns:
            The metric, and ``loss`` in nats.
        """
        with training.seeded_torch(stage):
            metric = cls(config, frames.shape[1:], table, training.device)
        metric.network.standardise.fit(frames)
        is_image = frames.ndim == 4
        targets = torch.as_tensor(places, device=training.device)

        def sample(rng: np.random.Generator) -> Batch:
            rows = rng.integers(len(frames), size=config.batch_frames)
            return {"rows": rows, **(config.augmentation.sample(rng, len(rows)) if is_image else {})}

        def loss(batch: Tensors) -> torch.Tensor:
            seen = config.augmentation.apply(batch["frames"], batch) if is_image else batch["frames"]
            return F.cross_entropy(metric.network(seen), targets[batch["rows"]])

        every = training.frames(None, frames)
        last = train(
            stage, metric.network, sample, loss, config, training, frames=every, rows=lambda batch: batch["rows"]
        )
        return metric, {"loss": last}

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents of (B, ...) observations, (B, D) float32."""
        table = torch.as_tensor(self.table)

        def work(part: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(embed_in_chunks(self.network, part, self.device)).softmax(1) @ table

        return in_chunks(work, observations, _AT_ONCE).numpy()

    @classmethod
    def restore(
        cls, config: ClassifierConfig, observation_shape: tuple[int, ...], device: torch.device, arrays: Arrays
    ) -> Self:
        """The metric that ``arrays`` came from.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if "table" not in arrays:
            raise CheckpointError("a classified metric was saved without its table of latents; fit the agent again")
        return cls(config, observation_shape, arrays["table"], device).filled(arrays)
