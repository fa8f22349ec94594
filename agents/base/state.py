"""What a fit leaves behind, part by part; each part to arrays and back, for checkpoints and for saved agents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from ..control.forward_model import ForwardModel
from ..errors import NotFittedError
from ..metrics.heads import MetricHead
from ..metrics.local import LocalMetric
from ..training.workdir import Arrays


class LatentMetric(Protocol):
    """Something that embeds observations, and the distance between its latents."""

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        ...

    @property
    def head(self) -> MetricHead:
        """The distance."""
        ...

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents of (B, ...) observations, (B, D) float32."""
        ...


class Parts:
    """The learned parts of an agent, one for each stage of its fit; those not learned yet are None."""

    part_of: ClassVar[dict[str, str]] = {"local": "local_metric"}

    def __init__(self, config: Any, observation_shape: tuple[int, ...], device: torch.device) -> None:
        """Nothing learned yet."""
        self.config = config
        self.observation_shape = observation_shape
        self.device = device
        self.local_metric: LocalMetric | None = None

    def has(self, stage: str) -> bool:
        """Whether the part of this stage is there."""
        return getattr(self, self.part_of[stage]) is not None

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        return learned(getattr(self, self.part_of[stage])).arrays()

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage != "local":
            raise NotImplementedError(stage)
        self.local_metric = LocalMetric.restore(self.config.local_metric, self.observation_shape, self.device, arrays)


class DistanceParts(Parts):
    """Those of an agent that is a distance between latents."""

    part_of: ClassVar[dict[str, str]] = {"local": "local_metric", "embedding": "metric", "forward": "forward_model"}

    def __init__(
        self,
        config: Any,
        observation_shape: tuple[int, ...],
        device: torch.device,
        new_metric: Callable[[tuple[int, ...], torch.device], Any],
    ) -> None:
        """Nothing learned yet; ``new_metric`` makes the untrained metric that saved arrays are filled into."""
        super().__init__(config, observation_shape, device)
        self.new_metric = new_metric
        self.metric: Any = None
        self.forward_model: ForwardModel | None = None

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "forward":
            self.forward_model = ForwardModel.restore(self.config.forward_model, self.device, arrays)
        elif stage == "embedding":
            self.metric = self.new_metric(self.observation_shape, self.device)
            self.metric.fill(arrays)
        else:
            super().restore(stage, arrays)


def learned(part: Any) -> Any:
    """The part itself.

    Raises:
        NotFittedError: if it is None.
    """
    if part is None:
        raise NotFittedError("this agent has learned nothing yet; call fit(dataset) or load(path) first")
    return part
