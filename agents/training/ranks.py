"""One fit by several processes: each computes a share of the gradients, and the first alone writes and speaks.

Whoever starts the processes (torchrun, Ray Train) says so by ``torch.distributed`` or by the environment. Every rank is
given the same data and seed and runs the same fit; what the first one reads or has learned counts for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed, nn

from ..errors import ExecutionError
from .execution import is_alone, started

T = TypeVar("T")

_PATIENCE = timedelta(days=1)  # of a rank that waits for another; a rank that died is the launcher's business


def asked_for() -> int:
    """How many ranks this process is one of, by ``torch.distributed`` or by what a launcher set; 1 if it is alone."""
    if is_alone():
        return 1
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return started()


def own_device(device: torch.device) -> torch.device:
    """Of "cuda" the device of this rank, one each; any other device as it is.

    Raises:
        ExecutionError: if this machine has fewer devices than ranks.
    """
    if device.type != "cuda" or device.index is not None or asked_for() == 1:
        return device
    number, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= count:
        raise ExecutionError(
            f"rank {number + 1} of this machine wants a CUDA device of its own, and there are {count}; "
            f"start {count} ranks a machine"
        )
    return torch.device("cuda", number)


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls, device: torch.device) -> Ranks:
        """The ranks that this process was started among; waits for the others.

        Args:
            device: Where this rank trains; on CUDA each rank has a device of its own.
        """
        if asked_for() == 1:
            return ALONE
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if not distributed.is_initialized():
            store, rank, size = next(distributed.rendezvous("env://", timeout=_PATIENCE))
            if os.environ.get("GROUP_WORLD_SIZE") == "1":  # one machine: all its ranks live equally often
                # torchrun may keep its store, and with it the addresses of ranks that have died.
                store = distributed.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
            backend = "nccl" if device.type == "cuda" else "gloo"
            distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE)
        return cls.joined()

    @classmethod
    def joined(cls) -> Ranks:
        """The ranks that this process has joined; itself alone where it joined none."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return ALONE
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def leads(self) -> bool:
        """Whether this is the rank that reads, writes and speaks."""
        return self.rank == 0

    def share(self, parts: Sequence[T]) -> Sequence[T]:
        """What of some parts this rank has to do.

        Raises:
            ExecutionError: if they cannot be divided evenly.
        """
        self.check(len(parts))
        return parts[self.rank :: self.size]

    def check(self, accumulate: int) -> None:
        """Whether the micro-batches of a step can be divided.

        Raises:
            ExecutionError: if not, with the numbers that could.
        """
        if accumulate % self.size:
            below = accumulate // self.size * self.size
            advice = f"{below} or {below + self.size}" if below else f"{self.size}"
            raise ExecutionError(
                f"{self.size} ranks cannot divide {accumulate} micro-batch{'es' * (accumulate > 1)} of a step evenly; "
                f"give accumulate={advice} (on the command line --execution.accumulate), or start other ranks"
            )

    def agree(self, work: Callable[[], T]) -> T:
        """What ``work`` gives on the first rank, where alone it is done; what it raises is raised on all."""
        if self.size == 1:
            return work()
        box: list[Any] = [None]
        if self.leads:
            try:
                box = [(work(), None)]
            except Exception as error:
                distributed.broadcast_object_list([(None, f"{type(error).__name__}: {error}")], src=0)
                raise
        distributed.broadcast_object_list(box, src=0)
        found, failed = box[0]
        if failed is not None:
            raise ExecutionError(f"rank {self.rank} stops, because the first rank did: {failed}")
        return found

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace float32 tensors by their sums over all ranks, the same bits on each."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    @torch.no_grad()
    def equalise(self, network: nn.Module) -> None:
        """Give every rank the first one's weights and buffers."""
        if self.size > 1:
            for tensor in (*network.parameters(), *network.buffers()):
                whole = tensor.detach().contiguous()
                distributed.broadcast(whole, src=0)
                tensor.copy_(whole)


ALONE = Ranks()
