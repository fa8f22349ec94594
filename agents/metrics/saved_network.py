"""What all metrics share that are a network and perhaps a few numbers: how they become arrays, and come back."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from data_collection import Dataset

from ..errors import CheckpointError
from ..graphs.lengths import lengths_of
from ..graphs.transitions import moving_transitions
from ..networks import Trunk, embed_in_chunks
from ..training.network_arrays import load_network, network_arrays
from ..training.saving import Arrays
from .latent_metric import LatentMetric


class SavedNetwork:
    """Something learned, made of a configuration, the shape of an observation and a device.

    Attributes:
        network: with the weights.
        numbers: names of its attributes that are saved beside them.
    """

    network: nn.Module
    numbers: ClassVar[tuple[str, ...]] = ()

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        return {**network_arrays(self.network), **{name: np.array([getattr(self, name)]) for name in self.numbers}}

    @classmethod
    def restore(cls, config: Any, observation_shape: tuple[int, ...], device: torch.device, arrays: Arrays) -> Self:
        """The one that ``arrays`` came from.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        return cls(config, observation_shape, device).filled(arrays)  # type: ignore[call-arg]

    def filled(self, arrays: Arrays) -> Self:
        """This one with what was saved.

        Raises:
            CheckpointError: if names or shapes differ.
        """
        weights = {"scale": np.ones(1), **arrays}  # agents saved before there was a scale have none
        missing = sorted(set(self.numbers) - weights.keys())
        if missing:
            raise CheckpointError(f"the saved arrays lack {', '.join(missing)}; found {', '.join(sorted(arrays))}")
        for name in self.numbers:
            setattr(self, name, float(weights[name][0]))
        load_network(self.network, {name: weights[name] for name in weights.keys() - {"scale", *self.numbers}})
        return self


class NetworkMetric(SavedNetwork, LatentMetric):
    """A metric whose latents are those of a trunk, times a scale."""

    network: Trunk
    scale: float = 1.0

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Scaled latents of (B, ...) observations, (B, D) float32."""
        latents = embed_in_chunks(self.network, observations, self.device)
        return latents if self.scale == 1 else latents * np.float32(self.scale)

    def calibrate(self, dataset: Dataset) -> None:
        """Set the scale so that recorded moves are one step long on average, by L2."""
        self.scale = 1.0
        length = float(lengths_of(self.embed(dataset.observations), self._moves(dataset)).mean())
        self.scale = 1 / length if length > 0 else 1.0

    def _moves(self, dataset: Dataset, window: int = 1) -> np.ndarray:
        """(P, 2) rows that count as neighbours."""
        return moving_transitions(dataset, window)
