"""A stage of the pipeline as equal pieces of work."""

from __future__ import annotations

from dataclasses import dataclass

from plan2vec_envs.errors import InvalidOptionError


@dataclass(frozen=True)
class Stage:
    """So many pieces of work that need nothing of one another; the next stage begins when all are done."""

    name: str
    pieces: int
    seconds: float
    """of one core, or of one GPU if it is for GPUs, for a piece"""
    memory: float = 0.0
    """bytes that a process holds while it is at a piece"""
    disk: float = 0.0
    """bytes that a piece reads and writes on the disk of its machine"""
    network: float = 0.0
    """bytes that a piece gets from, or gives to, other machines"""
    once: float = 0.0
    """bytes that each machine gets from another before it begins, such as a graph that its processes share"""
    keeps: float | None = None
    """seconds between two checkpoints, where a piece that is killed goes on from the last; None: it begins again"""
    device: str = "core"
    """"core", or "gpu" where there is one"""

    def __post_init__(self) -> None:
        if self.pieces < 1:
            raise InvalidOptionError(f"stage {self.name!r} has {self.pieces} pieces; need at least 1")
        for name in ("seconds", "memory", "disk", "network", "once"):
            if not getattr(self, name) >= 0:
                raise InvalidOptionError(f"stage {self.name!r}: {name} is {getattr(self, name)}; need 0 or more")
