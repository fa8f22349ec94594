"""What an agent is, and the registry of all agents. A baseline is a ``fit`` and a ``distance``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from data_collection import Dataset
from data_collection.errors import check_name

from ..control.action_memory import ActionMemory
from ..errors import ObservationError
from ..training.execution import DEFAULT_EXECUTION, Execution
from ..training.loop import StageLog
from ..training.saving import read_record


class Agent(Protocol):
    """Learns from a dataset; measures distances between observations; acts towards a goal observation.

    Batched in, batched out; a single observation in, a single answer out.
    """

    name: str
    config: Any
    fit_log: list[StageLog]

    def fit(
        self,
        dataset: Dataset,
        *,
        seed: int = 0,
        workdir: Path | str | None = None,
        device: str = "cpu",
        progress: bool = True,
        tensorboard: bool = False,
        execution: Execution = DEFAULT_EXECUTION,
    ) -> Self:
        """Learn; with a ``workdir`` an interrupted fit goes on where it was."""
        ...

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Estimated steps between matching observations, (B, ...) and (B, ...) -> (B,) float32."""
        ...

    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: ActionMemory | None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Actions towards the goals: (B, ...) -> (B,) int64 or (B, A) float32."""
        ...

    def new_memory(self, num_episodes: int) -> ActionMemory | None:
        """An empty memory for so many parallel episodes; None if the agent has no use for one."""
        ...

    def save(self, path: Path | str) -> None:
        """Write the agent into a folder."""
        ...

    @classmethod
    def load(cls, path: Path | str, *, device: str = "cpu") -> Self:
        """Read an agent from a folder."""
        ...


AGENTS: dict[str, Any] = {}


def register_agent(cls: Any) -> Any:
    """Class decorator: make an agent known under its ``name``."""
    AGENTS[cls.name] = cls
    return cls


def get_agent(name: str) -> Any:
    """The agent class of that name.

    Raises:
        UnknownNameError: with the closest registered name.
    """
    return AGENTS[check_name("agent", name, AGENTS)]


def load_agent(path: Path | str, *, device: str = "cpu") -> Any:
    """Read a saved agent of any kind; its folder says which it is.

    Raises:
        CheckpointError: if there is no agent, or one that cannot be read.
        UnknownNameError: if it is of a kind this version does not know.
    """
    return get_agent(read_record(path)["agent"]).load(path, device=device)


def as_batch(observation: np.ndarray, shape: tuple[int, ...], is_image: bool, what: str) -> tuple[np.ndarray, bool]:
    """The observation with a batch axis, and whether it came without one.

    Raises:
        ObservationError: if shape or dtype are not those the agent was trained on.
    """
    array = np.asarray(observation)
    single = array.shape == shape
    if not single and array.shape[1:] != shape:
        raise ObservationError(
            f"{what} has shape {array.shape}; this agent was trained on {shape}, so give {shape} or (B, *{shape})"
        )
    if is_image and array.dtype != np.uint8:
        raise ObservationError(f"{what} has dtype {array.dtype}; images are uint8 from 0 to 255, as the env returns")
    return (array[None] if single else array), single
