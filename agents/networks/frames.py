"""Many observations through a trunk: embedded a chunk at a time, or prepared once for learning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from .device_memory import free_on
from .trunk import Trunk

_FEW = 2**26  # bytes for which no device needs to be asked
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


class Frames:
    """``frames[rows]`` are rows of a dataset as a network's ``encode`` takes them, on the device.

    Those that fit are prepared all at once and lie there. Otherwise they stay where the dataset has them, in memory or
    in a mapped file, and only what is asked for is read, copied and prepared: the same numbers, later. The training
    loop then asks one step ahead, in a thread.
    """

    def __init__(
        self, network: Trunk | None, observations: np.ndarray, device: torch.device, budget: int | None = None
    ) -> None:
        """What to serve.

        Args:
            network: The trunk whose weightless half prepares them; None for frames as they are.
            observations: (N, ...) of a dataset.
            device: Where they are wanted.
            budget: Bytes that they may take there; None for half of what is free.
        """
        self._network, self._observations, self._device = network, observations, device
        needed = len(observations) * self._prepared(observations[:1]).nbytes
        few = budget is None and needed <= _FEW
        fits = few or needed <= (free_on(device) / 2 if budget is None else budget)
        self._kept = self._all() if fits else None

    @property
    def resident(self) -> bool:
        """Whether they all lie on the device."""
        return self._kept is not None

    def __len__(self) -> int:
        return len(self._observations)

    def __getitem__(self, rows: np.ndarray) -> torch.Tensor:
        """(K,) int64 rows -> (K, ...) prepared frames, without gradient."""
        if self._kept is not None:
            return self._kept.index_select(0, torch.as_tensor(rows, device=self._device))
        return self._prepared(self._observations[rows])

    def _all(self) -> torch.Tensor:
        if self._network is None:
            return to_tensor(self._observations, self._device)
        return prepare_in_chunks(self._network.prepare, self._observations, self._device)

    @torch.no_grad()
    def _prepared(self, observations: np.ndarray) -> torch.Tensor:
        frames = to_tensor(observations, torch.device("cpu"))
        if self._device.type == "cuda":  # from pinned memory the copy runs beside what the device computes
            frames = frames.pin_memory().to(self._device, non_blocking=True)
        return frames if self._network is None else self._network.prepare(frames)
