"""One gradient step: its micro-batches drawn, their gradients averaged, over ranks too, and the optimiser's step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..networks import Frames
from .execution import Execution
from .ranks import Ranks

Batch = dict[str, np.ndarray]
Tensors = dict[str, torch.Tensor]
"""A batch on the device; ``frames`` among it where a stage learns from frames."""
Update = tuple[torch.Tensor, float, Batch]  # loss, learning rate, batch

_WARM_UP = 0.25  # share of the steps before the peak of the learning rate


def one_cycle(step: int, steps: int, peak: float) -> tuple[float, float]:
    """Learning rate and Adam's beta1 at ``step``: cosine up from peak/25, then down to 0; beta1 .95 to .85 to .95."""
    warm = max(1.0, _WARM_UP * steps)
    if step < warm:
        rise = 0.5 - 0.5 * math.cos(math.pi * step / warm)
        return peak * (0.04 + 0.96 * rise), 0.95 - 0.1 * rise
    fall = 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1.0, steps - warm))
    return peak * fall, 0.95 - 0.1 * fall


class Draws:
    """The micro-batches of each step that are this rank's to compute, on the device.

    Where frames are read batch by batch, those of the next step are read while this one is computed.
    """

    def __init__(
        self,
        sample: Callable[[np.random.Generator], Batch],
        rng_of: Callable[[int, int], np.random.Generator],
        *,
        steps: int,
        accumulate: int,
        ranks: Ranks,
        device: torch.device,
        frames: Frames | None = None,
        rows: Callable[[Batch], np.ndarray] | None = None,
        ahead: bool = True,
    ) -> None:
        """Draw by ``sample`` from the generator that ``rng_of`` gives for a step and a micro-batch."""
        self._sample, self._rng_of, self._steps, self._accumulate = sample, rng_of, steps, accumulate
        self._ranks, self._device = ranks, device
        self._frames, self._rows = frames, rows
        self._reader = ThreadPoolExecutor(1) if ahead and frames is not None and not frames.resident else None
        self._next: tuple[int, Future[list[tuple[Batch, Tensors]]]] | None = None

    def of(self, step: int) -> list[tuple[Batch, Tensors]]:
        """Batches as they were drawn, and as the loss takes them."""
        if self._reader is None:
            return self._draw(step)
        found = self._next[1].result() if self._next is not None and self._next[0] == step else self._draw(step)
        self._next = (step + 1, self._reader.submit(self._draw, step + 1)) if step + 1 < self._steps else None
        return found

    def close(self) -> None:
        """Wait for what is being read."""
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)

    def _draw(self, step: int) -> list[tuple[Batch, Tensors]]:
        # All are drawn on every rank: drawing may be planning, whose results a stage remembers.
        batches = [self._sample(self._rng_of(step, micro)) for micro in range(self._accumulate)]
        return [(batch, self._tensors(batch)) for batch in self._ranks.share(batches)]

    def _tensors(self, batch: Batch) -> Tensors:
        found = {name: torch.as_tensor(array, device=self._device) for name, array in batch.items()}
        if self._frames is not None and self._rows is not None:
            found["frames"] = self._frames[self._rows(batch)]
        return found


class GradientSteps:
    """Adam with a one-cycle schedule on the mean loss of a step's micro-batches."""

    def __init__(
        self,
        network: nn.Module,
        draws: Draws,
        loss: Callable[[Tensors], torch.Tensor],
        *,
        steps: int,
        learning_rate: float,
        device: torch.device,
        execution: Execution,
        ranks: Ranks,
    ) -> None:
        if device.type == "cuda":
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # what tensor cores read
        self.optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
        self._draws, self._loss, self._steps, self._peak = draws, loss, steps, learning_rate
        self._accumulate, self._ranks = execution.accumulate, ranks
        self._autocast = torch.autocast(device.type, torch.bfloat16, enabled=execution.precision == "bfloat16")
        self._statistics = _Statistics(network)

    def __call__(self, step: int) -> Update:
        """Make one step; returns the mean loss of all ranks, the learning rate and a batch."""
        rate, beta1 = one_cycle(step, self._steps, self._peak)
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = rate, (beta1, group["betas"][1])
        drawn = self._draws.of(step)
        value = self._gradient(drawn)
        self.optimizer.step()
        return value, rate, drawn[-1][0]

    def _gradient(self, drawn: Iterable[tuple[Batch, Tensors]]) -> torch.Tensor:
        """Leave the mean gradient in the parameters; returns the mean loss."""
        count = self._accumulate
        self.optimizer.zero_grad(set_to_none=True)
        if count > 1:
            self._statistics.keep()
        losses = []
        for _, tensors in drawn:
            with self._autocast:
                value = self._loss(tensors)
            if count > 1:
                value = value / count
            value.backward()
            losses.append(value.detach())
            if count > 1:
                self._statistics.collect(count)
        if count == 1:
            return losses[0]
        total = torch.stack(losses).sum()
        parameters = (each for group in self.optimizer.param_groups for each in group["params"])
        gradients = [each.grad for each in parameters if each.grad is not None]
        self._ranks.add_up([total, *gradients, *self._statistics.means])
        self._statistics.put()
        return total


class _Statistics:
    """What batch normalisation keeps of the batches: each micro-batch starts from the step's beginning, then the mean.

    So a step of many micro-batches moves them as far as a step of one, in whatever order and on whichever rank.
    """

    def __init__(self, network: nn.Module) -> None:
        layers = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        self._buffers = [buffer for layer in layers for buffer in layer.buffers()]
        self._begun: list[torch.Tensor] = []
        self.means: list[torch.Tensor] = []

    def keep(self) -> None:
        """Remember the beginning of a step."""
        self._begun = [buffer.clone() for buffer in self._buffers]
        self.means = [torch.zeros_like(buffer) for buffer in self._buffers if buffer.is_floating_point()]

    def collect(self, count: int) -> None:
        """Count what a micro-batch, one of so many, made of them, and go back."""
        moved = [buffer for buffer in self._buffers if buffer.is_floating_point()]
        for mean, buffer in zip(self.means, moved, strict=True):
            mean += buffer / count
        for buffer, begun in zip(self._buffers, self._begun, strict=True):
            buffer.copy_(begun)

    def put(self) -> None:
        """Take the means; batches are counted as one."""
        means = iter(self.means)
        for buffer in self._buffers:
            if buffer.is_floating_point():
                buffer.copy_(next(means))
            else:
                buffer += 1
