"""What every agent that learns stage by stage shares: the shared local metric, resuming, saving and loading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from data_collection import Dataset

from ..control.action_memory import ActionMemory, MemoryConfig
from ..metrics.local import LocalMetric, LocalMetricConfig
from ..training.config_json import from_dict
from ..training.execution import DEFAULT_EXECUTION, Execution
from ..training.loop import StageLog, Training, one_torch_thread, resolve_device
from ..training.saving import read_agent, save_agent, under_prefix, with_prefix
from ..training.splits import ValidationSplit
from ..training.workdir import FIGURES, Arrays
from .agent import as_batch
from .state import Parts, learned


@dataclass(frozen=True)
class StagedConfig:
    """What all such agents choose."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    """the local metric d, by which the memory knows a spot again"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""


class StagedAgent(ABC):
    """Learns its parts one after the other.

    A subclass gives ``name``, ``config_class``, ``parts_class``, what an action costs, and, for each of ``stages``
    other than "local", a method ``_fit_<stage>`` that puts what it learned into ``self._parts`` and returns validation
    figures.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[StagedConfig]]
    parts_class: ClassVar[type[Parts]] = Parts
    stages: ClassVar[tuple[str, ...]]
    acting: ClassVar[frozenset[str]] = frozenset({"forward", "inverse"})
    """Stages that learn from actions; left out where none are recorded."""
    shareable: ClassVar[dict[str, str]] = {"local": "local_metric"}
    """First stages of a fit, each with the entry of the configuration that decides it."""

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()
        self.execution = DEFAULT_EXECUTION
        self._source: StagedAgent | None = None
        self.fit_log: list[StageLog] = []
        self._parts: Any = None
        self._goal_latents: Any = None  # the goals of the last call and what was made of them

    # Learning

    def sharing(self, other: StagedAgent) -> Self:
        """Let the next ``fit`` take over what ``other`` learned, where learning it again would give the same bits.

        That is so for the same data, seed and execution, up to the first stage that one of them has not, or configures
        otherwise.
        """
        self._source = other
        return self

    def _can_share(self, stage: str) -> bool:
        """Whether the source's result of this stage is what this agent would learn."""
        other = self._source
        if other is None or other._parts is None or other._learned_from() != self._learned_from():
            return False
        for mine, its in zip(self.stages, other.stages, strict=False):
            entry = self.shareable.get(mine)
            if entry is None or mine != its or getattr(self.config, entry) != getattr(other.config, entry):
                return False
            if mine == stage:
                return True
        return False

    def _learned_from(self) -> tuple[Any, ...]:
        """What decides, beside the configuration, what is learned."""
        return self.seed, self.dataset_fingerprint, self.execution.identity()

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
            progress: Show a bar a stage.
            tensorboard: Also log to ``workdir/tb``.
            execution: How it runs: precision, micro-batches. Where several ranks were started, see
                ``ranks``, they make one fit, and the folder of the first counts.

        Returns:
            The agent itself.

        Raises:
            DeviceError: if the device is absent.
            ExecutionError: if it cannot run as it is asked to.
            CheckpointError: if the folder was begun for other data, another configuration, execution or seed.
            TrainingDivergedError: if a loss becomes NaN.
            GraphError: if a graph is learned from and cannot carry distances between all its vertices.
            DatasetError: if there is only one trajectory.
        """
        training = Training.begin(
            seed, workdir=workdir, device=device, progress=progress, tensorboard=tensorboard, execution=execution
        )
        self._begin(dataset, training)
        folds = ValidationSplit.of(dataset, seed)
        for stage in self.stages:
            if self._wants(stage) and (stage not in self.acting or dataset.actions is not None):
                self._stage(stage, dataset, folds, training)
        training.workdir.close()
        return self

    def _begin(self, dataset: Dataset, training: Training) -> None:
        training.claim({"agent": self.name, "config": asdict(self.config), "dataset": dataset.fingerprint})
        self.fit_log = []
        self.seed, self.execution = training.seed, training.execution
        self.observation_shape, self.is_image = dataset.observation_shape, dataset.is_image
        self.num_actions = dataset.num_actions
        self.env_id, self.dataset_fingerprint = dataset.env_id, dataset.fingerprint
        self._goal_latents = None
        self._parts = self._new_parts(training.device)

    def _wants(self, stage: str) -> bool:
        """Whether this configuration has a use for a stage."""
        return True

    def _new_parts(self, device: torch.device) -> Parts:
        return self.parts_class(self.config, self.observation_shape, device)

    def _stage(self, stage: str, dataset: Dataset, folds: ValidationSplit, training: Training) -> None:
        """Run a stage and keep its result, or take the result from the working folder."""
        parts, workdir = learned(self._parts), training.workdir
        found = training.ranks.agree(lambda: workdir.load_stage(stage))
        if found is not None:
            arrays, record = found
            parts.restore(stage, arrays)
            self.fit_log.append(StageLog(**record))
            return
        workdir.forget_figures(stage)
        if self._source is not None and self._can_share(stage):
            parts.restore(stage, learned(self._source._parts).arrays(stage))
            self.fit_log.append(next(entry for entry in self._source.fit_log if entry.stage == stage))
        else:
            training.clock.begin()
            with training.execution.reproducibly():
                figures = getattr(self, f"_fit_{stage}")(dataset, folds, training)
            if training.ranks.size > 1:  # another machine may round otherwise, and all go on from the same
                arrays, figures = training.ranks.agree(lambda: (parts.arrays(stage), figures))
                parts.restore(stage, arrays)
            wall, cpu = training.clock.spent()
            self.fit_log.append(StageLog(stage, wall, cpu, figures))
        workdir.log(stage, FIGURES, self.fit_log[-1].figures)
        workdir.save_stage(stage, parts.arrays(stage), asdict(self.fit_log[-1]))

    def _fit_local(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        learn, held_out = (dataset.take_episodes(episodes) for episodes in folds)
        self._parts.local_metric, figures = LocalMetric.fit(self.config.local_metric, learn, held_out, training)
        return figures

    # What was learned

    @property
    def local_metric(self) -> LocalMetric:
        """The local metric d."""
        return learned(learned(self._parts).local_metric)

    def new_memory(self, num_episodes: int = 1) -> ActionMemory:
        """An empty memory of tried actions for so many parallel episodes."""
        return ActionMemory(self.config.memory, num_episodes)

    # Acting

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
            rng: Unused; the choice is deterministic.

        Returns:
            (B,) int64 for discrete actions, (B, A) float32 for continuous ones; for a single observation without the
            batch axis.

        Raises:
            ObservationError: for an observation unlike those of the training dataset.
            NotFittedError: if the agent learned without actions.
        """
        candidates = self._possible_actions()
        batch, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        costs, keys = self._costs(batch, goal, memory)
        if memory is not None:
            costs = costs + memory.penalties(keys, costs.shape[1])
        choice = costs.argmin(1)
        if memory is not None:
            memory.remember(keys, choice)
        actions = candidates.cpu().numpy()[choice]
        return actions[0] if single else actions

    @abstractmethod
    def _possible_actions(self) -> torch.Tensor:
        """(K,) or (K, A) actions to choose from."""

    @abstractmethod
    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> tuple[np.ndarray, np.ndarray]:
        """(B, K) costs of the candidates, and (B, D) local latents by which the memory, if any, knows the spot."""

    # Saving

    def save(self, path: Path | str) -> None:
        """Write the agent into a folder: ``weights.safetensors`` and ``agent.json``."""
        parts = learned(self._parts)
        arrays: Arrays = {}
        for stage in self.stages:
            if parts.has(stage):
                arrays |= with_prefix(stage, parts.arrays(stage))
        record = {
            "config": asdict(self.config),
            "seed": self.seed,
            "execution": self.execution.identity(),
            "observation_shape": list(self.observation_shape),
            "is_image": self.is_image,
            "num_actions": self.num_actions,
            "env_id": self.env_id,
            "dataset_fingerprint": self.dataset_fingerprint,
            "fit_log": [asdict(entry) for entry in self.fit_log],
        }
        save_agent(path, self.name, arrays, record)

    @classmethod
    def load(cls, path: Path | str, *, device: str = "cpu") -> Self:
        """Read an agent that ``save`` wrote.

        Raises:
            CheckpointError: if it is another agent, of another version, or damaged.
        """
        arrays, record = read_agent(path, cls.name)
        agent = cls(from_dict(cls.config_class, record["config"]))
        agent.seed, agent.execution = record["seed"], Execution(**record.get("execution", {}))
        agent.observation_shape = tuple(record["observation_shape"])
        agent.is_image, agent.num_actions = record["is_image"], record["num_actions"]
        agent.env_id, agent.dataset_fingerprint = record["env_id"], record["dataset_fingerprint"]
        agent.fit_log = [StageLog(**entry) for entry in record["fit_log"]]
        agent._parts = agent._new_parts(resolve_device(device))
        for stage in cls.stages:
            if found := under_prefix(stage, arrays):
                agent._parts.restore(stage, found)
        return agent
