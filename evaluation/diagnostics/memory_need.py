"""How much memory a fit will take, said before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents import Agent
from agents.networks.device_memory import available_memory
from data_collection import Dataset

_LOADED = 110_000_000
"""Bytes of what is loaded only once a stage needs it, as measured: parts of torch, buffers of its first steps."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes: what the process holds already, what the largest stage adds, and what the machine has left."""

    held: int
    added: dict[str, int]
    """by stage, while it runs"""
    free: int | None
    """None where the system does not tell"""

    @property
    def peak(self) -> int:
        """Held, the largest stage, and what is loaded for it."""
        most = max(self.added.values(), default=0)
        return self.held + most + (_LOADED if most else 0)

    @property
    def fits(self) -> bool:
        """Whether the largest stage finds room."""
        return self.free is None or max(self.added.values(), default=0) <= self.free


def predict_memory(agent: Agent, dataset: Dataset) -> MemoryNeed:
    """What an agent, not fitted yet, will need to learn from a dataset that was read already."""
    return MemoryNeed(_held(), agent.forecast(dataset), available_memory())


def _held() -> int:
    """Resident bytes of this process; a guess where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    except (OSError, StopIteration, ValueError):
        return 400_000_000
