"""What memory learning takes: the frames as a network takes them, and what it keeps of a batch for its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from . import build_trunk, prepared_bytes


def learning_bytes(config: Any, observation_shape: Sequence[int], *, rows: int, batch: int) -> int:
    """Bytes in which a trunk learns from ``rows`` observations, ``batch`` of them per gradient step."""
    step = _trunk_step_bytes(config.trunk, tuple(observation_shape), config.latent_dim, config.hidden)
    return rows * prepared_bytes(config.trunk, observation_shape) + batch * step


@lru_cache(maxsize=64)
def _trunk_step_bytes(trunk: str, observation_shape: tuple[int, ...], latent_dim: int, hidden: int) -> int:
    with torch.random.fork_rng(devices=[]):
        network = build_trunk(trunk, observation_shape, latent_dim, hidden)
    prepared = network.prepare(blank(observation_shape))
    return step_bytes(network, lambda: network.encode(prepared))


def blank(observation_shape: Sequence[int]) -> torch.Tensor:
    """Two observations in which there is nothing to see."""
    return torch.zeros(2, *observation_shape, dtype=torch.uint8 if len(observation_shape) == 3 else torch.float32)


def step_bytes(network: nn.Module, forward: Callable[[], object]) -> int:
    """Bytes of a gradient step per observation, as ``forward`` of two of them shows: what is kept, and its gradient."""
    own = {each.untyped_storage().data_ptr() for each in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        alive = forward()  # until all is counted: freed memory would be counted twice under one address
    del alive
    return sum(kept.values())  # half of that is of one observation, and its gradient takes as much
