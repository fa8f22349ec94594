"""Many observations through a trunk, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from .trunk import Trunk

ROWS_AT_ONCE = 16_384
"""of observations whose latents are products of matrices, which round a little otherwise in smaller chunks"""


def embed_in_chunks(network: Trunk, observations: np.ndarray, device: torch.device) -> np.ndarray:
    """Latents of (B, ...) observations as (B, D) float32.

    Batch normalisation uses its recorded statistics, also in the midst of training: a latent is that of its own
    observation. On a CPU small chunks stay in the cache: 64 images embed several times faster an image than 512.
    """

    def work(part: np.ndarray) -> torch.Tensor:
        return network.infer(to_tensor(part, device))

    with torch.inference_mode(), _evaluating(network):
        return in_chunks(work, observations, _chunk(observations, device)).cpu().numpy()


def prepare_in_chunks(
    prepare: Callable[[torch.Tensor], torch.Tensor], observations: np.ndarray, device: torch.device
) -> torch.Tensor:
    """The weightless half of a trunk, its ``prepare``, for all of (N, ...) observations, on the device."""
    with torch.no_grad():  # no inference mode: what is prepared is trained on
        return in_chunks(lambda part: prepare(to_tensor(part, device)), observations, _chunk(observations, device))


def in_chunks(work: Callable[[np.ndarray], torch.Tensor], rows: np.ndarray, chunk: int) -> torch.Tensor:
    """What ``work`` makes of (N, ...) rows, a chunk at a time, in one tensor (N, ...).

    Kept one by one between what was freed, the results would hold much more memory.
    """
    first = work(rows[:chunk])
    if len(rows) <= chunk:
        return first
    found = first.new_empty((len(rows), *first.shape[1:]))
    found[:chunk] = first
    for i in range(chunk, len(rows), chunk):
        found[i : i + chunk] = work(rows[i : i + chunk])
    return found


def _chunk(observations: np.ndarray, device: torch.device) -> int:
    return 64 if device.type == "cpu" and observations.ndim > 2 else 2048


@contextmanager
def _evaluating(network: Trunk) -> Iterator[None]:
    if not network.training:  # walking through all its modules, twice, takes longer than a small batch
        yield
        return
    network.eval()
    try:
        yield
    finally:
        network.train()


def to_tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """The array on the device; of a read-only one a copy."""
    # Frames of a dataset are read-only, which torch cannot express; nothing here writes to them, but it would warn.
    return torch.as_tensor(array if array.flags.writeable else array.copy(), device=device)
