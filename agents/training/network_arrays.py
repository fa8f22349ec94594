"""The weights of a network as arrays, and back."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from ..errors import CheckpointError
from .saving import Arrays


def network_arrays(network: nn.Module) -> Arrays:
    """Weights and buffers as numpy arrays."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}


def load_network(network: nn.Module, arrays: Arrays) -> None:
    """Fill a network in place.

    Raises:
        CheckpointError: if names or shapes differ.
    """
    try:
        # A copy: arrays of a mapped file are read-only, which torch cannot express.
        network.load_state_dict({name: torch.as_tensor(np.array(array)) for name, array in arrays.items()})
    except RuntimeError as error:
        raise CheckpointError(f"the saved weights do not fit this configuration: {error}") from error
    network.eval()


class SavedNetwork:
    """Something learned that is a network and perhaps some more: how it becomes arrays, and comes back.

    Attributes:
        network: with the weights.
        numbers: names of its attributes that are saved beside them, each a number, ...
        tables: ... or an array.
    """

    network: Any
    numbers: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[str, ...]] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all weights and tables: what is kept for acting."""
        weights = sum(weight.numel() * weight.element_size() for weight in self.network.parameters())
        return weights + sum(getattr(self, name).nbytes for name in self.tables)

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        numbers = {name: np.array([getattr(self, name)]) for name in self.numbers}
        return {**network_arrays(self.network), **numbers, **{name: getattr(self, name) for name in self.tables}}

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
        beside = {*self.numbers, *self.tables}
        if missing := sorted(beside - weights.keys()):
            raise CheckpointError(f"the saved arrays lack {', '.join(missing)}; found {', '.join(sorted(arrays))}")
        for name in beside:
            setattr(self, name, weights[name] if name in self.tables else float(weights[name][0]))
        load_network(self.network, {name: weights[name] for name in weights.keys() - {"scale", *beside}})
        return self
