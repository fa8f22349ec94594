"""What can go wrong while learning, planning and acting; each error subclasses the builtin a caller would catch."""

from __future__ import annotations

from data_collection.errors import Plan2vecError
from data_collection.errors import WorkerError as WorkerError


class GraphError(Plan2vecError, ValueError):
    """A graph that cannot be: a negative or NaN edge weight, an index out of range, a broken CSR."""


class CheckpointError(Plan2vecError, RuntimeError):
    """A saved agent or checkpoint that does not fit: another version, dataset, configuration, or damaged."""


class TrainingDivergedError(Plan2vecError, ArithmeticError):
    """The loss became NaN or infinite; the batch that did it is saved."""


class DeviceError(Plan2vecError, RuntimeError):
    """The requested device is not there."""


class ExecutionError(Plan2vecError, RuntimeError):
    """A fit that cannot run as it was asked to: not deterministically, or not by so many ranks."""


class ObservationError(Plan2vecError, ValueError):
    """An observation of the wrong shape or dtype for this agent."""


class NotFittedError(Plan2vecError, RuntimeError):
    """The agent was used before ``fit`` or ``load``."""


class NoPathError(Plan2vecError, LookupError):
    """The goal vertex cannot be reached from the start vertex."""

    def __init__(self, start: int, goal: int, reached: int, num_vertices: int, threshold: float) -> None:
        super().__init__(
            f"no path from vertex {start} to vertex {goal}: {reached} of {num_vertices} vertices are reachable "
            f"from {start} at neighbour threshold {threshold:.3g}. Build the graph with bridge=True, "
            "or collect more rollouts between the two places."
        )


class HeuristicError(Plan2vecError, ValueError):
    """A heuristic that answered with NaN or with the wrong number of values."""


class AgentContractError(Plan2vecError, AssertionError):
    """An agent that does not keep what its users rely on."""


class ConfigError(Plan2vecError, ValueError):
    """An entry of a configuration that cannot be, by itself or beside another one."""


class MetricError(Plan2vecError, ArithmeticError):
    """A metric whose distance is NaN or infinite, so that it gives no reward."""


class RewardError(Plan2vecError, ValueError):
    """An environment, buffer or algorithm that a reward does not fit."""


class BufferTooLargeError(Plan2vecError, MemoryError):
    """A replay buffer that memory cannot hold; nothing was allocated."""
