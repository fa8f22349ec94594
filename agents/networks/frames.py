"""The frames that a stage learns from: prepared once and kept on the device, or read batch by batch."""

from __future__ import annotations

import numpy as np
import torch

from .chunks import prepare_in_chunks, to_tensor
from .device_memory import free_on
from .trunk import Trunk

_FEW = 2**26  # bytes for which no device needs to be asked


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
