"""What an agent is: it learns stage by stage, acts by the least cost, and is saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
import torch

from data_collection import Dataset

from ..control.action_memory import ActionMemory, least_cost
from ..errors import NotFittedError, ObservationError
from ..training.config_json import from_dict, to_dict
from ..training.execution import DEFAULT_EXECUTION, Execution
from ..training.loop import StageLog, Training, one_torch_thread, resolve_device
from ..training.saving import Arrays, read_agent, save_agent, with_prefix
from .old_names import CONFIG_NAMES, modern_record
from .staged import DataSize, Fit, Forecast, LearningFit, SavedFit

T = TypeVar("T")


class Costs(NamedTuple):
    """What an agent chooses by."""

    candidates: torch.Tensor
    """(K,) or (K, A) actions to choose from"""
    costs: np.ndarray
    """(B, K) float, the least is chosen"""
    keys: np.ndarray
    """(B, Q) local latents by which the memory, if any, knows the spot"""


class Agent(ABC):
    """Learns from a dataset, stage by stage; measures distances between observations; acts towards a goal observation.

    A subclass gives ``name`` and ``config_class``, names its stages in ``_fit``, and says what an action costs. Batched
    in, batched out; a single observation in, a single answer out. What a stage learns is an attribute that is there
    once the agent is fitted.

    Attributes:
        config: all choices.
        fit_log: what each stage cost and reached.
        stage_keys: what each stage was learned from, as a hash.
    """

    name: ClassVar[str]
    config_class: ClassVar[type]
    discrete_actions_only: ClassVar[bool] = False
    closed_form: ClassVar[bool] = False
    """Whether its distance draws nothing, at least on little data, so that the seed does not matter."""
    is_noise: ClassVar[bool] = False
    """Whether its distance is drawn at each call."""
    bare: ClassVar[bool] = False
    """Whether the only stage is saved without its name, as some agents were from the beginning."""

    seed: int
    execution: Execution
    observation_shape: tuple[int, ...]
    is_image: bool
    num_actions: int | None
    env_id: str | None
    dataset_fingerprint: str

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()
        self.fit_log: list[StageLog] = []
        self.stage_keys: dict[str, str] = {}
        self._source: Agent | None = None
        self._parts: dict[str, Any] = {}
        self._last_goal: Any = None  # the goals of the last call and what was made of them

    def __getattr__(self, name: str) -> Any:
        learned = hasattr(type(self), name) or any(
            name in vars(c).get("__annotations__", ()) for c in type(self).__mro__
        )
        if learned and not name.startswith("__"):
            raise NotFittedError(
                f"{type(self).__name__} has learned nothing yet; call fit(dataset) or load(path) first"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # Learning

    @abstractmethod
    def _fit(self, run: Any) -> None:
        """The stages in their order, each by ``run.stage``; also how a saved agent is read."""

    @one_torch_thread()
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
        """Learn from a dataset, stage by stage.

        Args:
            dataset: Recorded rollouts, without ground truth. Without actions what needs them is left out, and
                the agent measures but does not act.
            seed: Root of all randomness.
            workdir: Folder for checkpoints, metrics.csv and finished stages; calling again with the same folder
                and arguments goes on where a killed run was, and ends with the same weights.
            device: "cpu" or "cuda".
            progress: Show a bar per stage.
            tensorboard: Also log to ``workdir/tb``.
            execution: How it runs: precision, micro-batches. Where several processes were started for one fit (see
                docs/training.md), the folder of the first counts.

        Returns:
            The agent itself.

        Raises:
            DeviceError: if the device is absent.
            ExecutionError: if it cannot run as it is asked to.
            CheckpointError: if the folder was begun for other data, another configuration, execution or seed.
            TrainingDivergedError: if a loss becomes NaN.
            GraphError: if a graph is learned from and cannot carry distances between all its vertices.
            DatasetError: if there is only one trajectory, or the agent cannot learn from actions like these.
        """
        self._check(dataset, execution)
        training = Training.begin(
            seed, workdir=workdir, device=device, progress=progress, tensorboard=tensorboard, execution=execution
        )
        return self._learn(dataset, training)

    def _check(self, dataset: Dataset, execution: Execution) -> None:
        """Refuse what this agent cannot learn from, or not in this way."""
        return

    def _learn(self, dataset: Dataset, training: Training, *, acts: bool = True) -> Self:
        what = {"agent": self.name, "config": to_dict(self.config), "dataset": dataset.fingerprint, **self._extra()}
        execution = training.execution.identity()
        what |= {"seed": training.seed, **({"execution": execution} if execution else {})}
        training.ranks.agree(lambda: training.workdir.claim(what))
        self.seed, self.execution = training.seed, training.execution
        self.observation_shape, self.is_image = dataset.observation_shape, dataset.is_image
        self.num_actions = dataset.num_actions
        self.env_id, self.dataset_fingerprint = dataset.env_id, dataset.fingerprint
        self._take(LearningFit(self._about(), dataset, training, self._source, acts))
        training.workdir.close()
        return self

    def _take(self, run: Fit) -> None:
        self._last_goal = None
        self._fit(run)
        self.fit_log, self.stage_keys, self._parts = run.log or self.fit_log, run.keys, run.parts

    def sharing(self, other: Agent) -> Self:
        """Let the next ``fit`` take over what ``other`` learned, where learning it again would give the same bits.

        That is so for the same data, seed and execution, up to the first stage that one of them has not, or configures
        otherwise.
        """
        self._source = other
        return self

    def part(self, stage: str) -> Any:
        """What a stage learned.

        Raises:
            NotFittedError: if there is nothing.
        """
        if stage not in self._parts:
            raise NotFittedError(f"{type(self).__name__} has learned no stage {stage!r}; call fit(dataset) first")
        return self._parts[stage]

    def forecast(self, dataset: Dataset) -> dict[str, int]:
        """Bytes of memory that each stage of ``fit`` adds while it runs."""
        run = Forecast(DataSize.of(dataset), dataset.actions is not None, dataset.is_image)
        type(self)(self.config)._fit(run)
        return run.added

    # Acting

    def new_memory(self, num_episodes: int = 1) -> ActionMemory | None:
        """An empty memory of tried actions for parallel episodes; None if the agent has no use for one."""
        return ActionMemory(self.config.memory, num_episodes)

    @one_torch_thread()
    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: ActionMemory | None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """The action of least cost; with a memory, actions already tried at this spot cost more.

        Args:
            observation: (B, ...) or a single observation.
            goal: The same number of goal observations.
            memory: From ``new_memory``. Without it: memoryless.
            rng: For agents that act by chance; others are deterministic.

        Returns:
            (B,) int64 for discrete actions, (B, A) float32 for continuous ones; for a single observation without the
            batch axis.

        Raises:
            ObservationError: for an observation unlike those of the training dataset.
            NotFittedError: if the agent learned without actions.
        """
        batch, single = self._batch(observation, "observation")
        found = self._costs(batch, goal, memory)
        actions = found.candidates.cpu().numpy()[least_cost(found.costs, found.keys, memory)]
        return actions[0] if single else actions

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> Costs:
        """What each action costs, for (B, ...) observations."""
        raise NotImplementedError

    @abstractmethod
    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""

    def _batch(self, observation: np.ndarray, what: str) -> tuple[np.ndarray, bool]:
        """The observation with a batch axis, and whether it came without one."""
        return as_batch(observation, self.observation_shape, self.is_image, what)

    def _of_goal(self, goal: np.ndarray, see: Any) -> Any:
        """``see(batch, single)`` of goals; that of the last call is kept, since a goal stays for a whole episode."""
        if self._last_goal is None or not np.array_equal(self._last_goal[0], goal):
            batch, single = self._batch(goal, "goal")
            self._last_goal = np.array(goal), see(batch, single)
        return self._last_goal[1]

    # Saving

    def _extra(self) -> dict[str, Any]:
        """What else decides the result, as plain JSON."""
        return {}

    def _about(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "execution": self.execution.identity(),
            "observation_shape": list(self.observation_shape),
            "is_image": self.is_image,
            "num_actions": self.num_actions,
            "env_id": self.env_id,
            "dataset_fingerprint": self.dataset_fingerprint,
        }

    def save(self, path: Path | str) -> None:
        """Write the agent into a folder: ``weights.safetensors`` and ``agent.json``.

        Raises:
            NotFittedError: before ``fit`` or ``load``.
        """
        about, arrays = self._about(), Arrays()
        for stage, part in self._parts.items():
            arrays |= part.arrays() if self.bare else with_prefix(stage, part.arrays())
        config = {"config": to_dict(self.config), "config_names": CONFIG_NAMES}
        log = [vars(entry) for entry in self.fit_log]
        save_agent(path, self.name, arrays, {**config, **about, **self._extra(), "fit_log": log})

    @classmethod
    def load(cls, path: Path | str, *, device: str = "cpu") -> Self:
        """Read an agent that ``save`` wrote.

        Raises:
            CheckpointError: if it is another agent, of another version, or damaged.
        """
        arrays, record = read_agent(path, cls.name)
        record = modern_record(record)
        agent = cls(from_dict(cls.config_class, record["config"]))
        agent.seed, agent.execution = record["seed"], Execution(**record["execution"])
        agent.observation_shape = tuple(record["observation_shape"])
        agent.is_image, agent.num_actions = record["is_image"], record["num_actions"]
        agent.env_id, agent.dataset_fingerprint = record["env_id"], record["dataset_fingerprint"]
        agent.fit_log = [StageLog(**entry) for entry in record["fit_log"]]
        agent._remember(record)
        agent._take(SavedFit(agent._about(), arrays, resolve_device(device), bare=cls.bare))
        return agent

    def _remember(self, record: dict[str, Any]) -> None:
        """Take back what ``_extra`` wrote."""
        return


def needed(part: T | None, what: str) -> T:
    """What acting takes, if it was learned.

    Raises:
        NotFittedError: if it was not, as no actions were recorded.
    """
    if part is None:
        raise NotFittedError(
            f"this agent has {what}, so it measures and plans but does not act; fit it on a dataset with actions"
        )
    return part


def as_batch(observation: np.ndarray, shape: tuple[int, ...], is_image: bool, what: str) -> tuple[np.ndarray, bool]:
    """The observation with a batch axis, and whether it came without one.

    Raises:
        ObservationError: if shape or dtype are not those the agent was trained on.
    """
    array = np.ascontiguousarray(observation)  # torch takes no negative strides
    single = array.shape == shape
    if not single and array.shape[1:] != shape:
        raise ObservationError(
            f"{what} has shape {array.shape}; this agent was trained on {shape}, so give {shape} or (B, *{shape})"
        )
    if is_image and array.dtype != np.uint8:
        raise ObservationError(f"{what} has dtype {array.dtype}; images are uint8 from 0 to 255, as the env returns")
    return (array[None] if single else array), single
