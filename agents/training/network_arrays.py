"""The weights of a network as arrays, and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..errors import CheckpointError
from .saving import Arrays


def network_bytes(network: nn.Module) -> int:
    """Bytes of all weights."""
    return sum(weight.numel() * weight.element_size() for weight in network.parameters())


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
