"""The machines of a cluster, all alike."""

from __future__ import annotations

from dataclasses import dataclass, fields

from plan2vec_envs.errors import InvalidOptionError

GB = 1e9


@dataclass(frozen=True)
class Machine:
    """One machine. A core is one of those that the rates were measured on, a GPU one of those; else scale."""

    cores: int = 16
    """processes at once"""
    memory: float = 64 * GB
    """bytes"""
    disk: float = 1 * GB
    """bytes a second read or written, all processes together: a solid-state disk has 0.5 to 5e9"""
    network: float = 1.25 * GB
    """bytes a second to and from the others: 10 gigabit Ethernet has 1.25e9"""
    gpus: int = 0
    """devices that networks are trained on; without one they are trained on a core"""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not (value > 0 or (entry.name == "gpus" and value == 0)):
                least = "0 or more" if entry.name == "gpus" else "more than 0"
                raise InvalidOptionError(f"a machine with {entry.name} of {value:g}; need {least}")


@dataclass(frozen=True)
class Cluster:
    """So many machines, and how often they fail."""

    machine: Machine = Machine()
    count: int = 1
    failures: float = 0.0
    """a process is killed so many times an hour on average, and begins its piece of work again"""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidOptionError(f"a cluster of {self.count} machines; need at least 1")
        if not self.failures >= 0:
            raise InvalidOptionError(f"{self.failures} failures an hour; need 0 or more")
