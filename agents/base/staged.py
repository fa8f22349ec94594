"""The stages of a fit: one that an earlier run finished, or that another agent learned, is not learned again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch

from data_collection import Dataset
from data_collection.splits import ValidationSplit

from ..training.config_json import to_dict
from ..training.loop import Part, StageLog, Training
from ..training.saving import Arrays, under_prefix
from ..training.workdir import FIGURES

P = TypeVar("P", bound=Part)


@dataclass
class DataSize:
    """How much there is to learn from; stages note what later ones need to know of them.

    Attributes:
        observation_shape: of one observation.
        rows: observations.
        row_bytes: of one observation.
        transitions: between them.
        action_bytes: of all actions; 0 if there are none.
        latents: entries of a latent of the metric that was learned last.
        vertices: of the graph.
    """

    observation_shape: tuple[int, ...]
    rows: int
    row_bytes: int
    transitions: int
    action_bytes: int
    latents: int = 0
    vertices: int = 0

    @property
    def observation_bytes(self) -> int:
        """Of all observations."""
        return self.rows * self.row_bytes

    @classmethod
    def of(cls, dataset: Dataset) -> DataSize:
        """The size of a dataset."""
        actions = 0 if dataset.actions is None else dataset.actions.nbytes
        rows = dataset.observations
        return cls(dataset.observation_shape, len(rows), rows[:1].nbytes, dataset.num_transitions, actions)


class Fit:
    """What an agent's stages run on: a fit in progress, a saved agent that is read, or a forecast.

    A stage is known by its key: a hash of the data, the seed, how the fit runs, and the configuration of this stage and
    of all before it. Equal keys mean equal bits.

    Attributes:
        observation_shape: of one observation.
        is_image: whether observations are images.
        num_actions: number of discrete actions; None for continuous or no actions.
        seed: root of all randomness.
        device: where networks live.
        log: what each stage cost and reached.
        keys: the key of each stage.
        parts: what each stage learned.
    """

    def __init__(self, about: Mapping[str, Any], device: torch.device) -> None:
        """About: what is learned from and how, as ``Agent`` records it."""
        self.observation_shape = tuple(about["observation_shape"])
        self.is_image, self.num_actions, self.seed = about["is_image"], about["num_actions"], about["seed"]
        self.device = device
        self.log: list[StageLog] = []
        self.keys: dict[str, str] = {}
        self.parts: dict[str, Part] = {}
        self._key = _hash([about["dataset_fingerprint"], about["seed"], about["execution"]])

    def stage(
        self,
        name: str,
        config: Any,
        learn: Callable[[], tuple[P, dict[str, float]]],
        restore: Callable[[Arrays], P],
        *,
        from_actions: bool = False,
    ) -> P | None:
        """The part that ``learn`` makes, or the same one from before.

        Args:
            name: Of the stage, in logs and files.
            config: All that decides the result, beside what was learned before.
            learn: Gives the part and its validation figures.
            restore: Makes the part of its arrays.
            from_actions: Whether it learns from actions; then there is none where none were recorded.
        """
        described = to_dict(config) if is_dataclass(config) else config
        self._key = self.keys[name] = _hash([self._key, name, type(config).__name__, described])
        part = self._part(name, config, learn, restore, from_actions)
        if part is not None:
            self.parts[name] = part
        return part

    def _part(self, name: str, config: Any, learn: Any, restore: Any, from_actions: bool) -> Any:
        raise NotImplementedError


class LearningFit(Fit):
    """A fit in progress.

    Attributes:
        dataset: what is learned from.
        training: how.
        split: trajectories to learn from and to validate on.
    """

    def __init__(
        self, about: Mapping[str, Any], dataset: Dataset, training: Training, source: Any = None, acts: bool = True
    ) -> None:
        """Source: an agent whose stages are taken over where their keys are equal. Acts: learn from actions too."""
        super().__init__(about, training.device)
        self.dataset, self.training = dataset, training
        self._source, self._acts = source, acts and dataset.actions is not None

    @cached_property
    def split(self) -> ValidationSplit:
        """Trajectories to learn from and to validate on."""
        return ValidationSplit.of(self.dataset, self.seed)

    def halves(self) -> tuple[Dataset, Dataset]:
        """The trajectories to learn from, and those to validate on."""
        learn, held_out = (self.dataset.take_episodes(episodes) for episodes in self.split)
        return learn, held_out

    def unseen(self, rows: np.ndarray) -> np.ndarray:
        """(K,) bool, which of (K,) rows are validated on; none, if nothing would be left to learn from."""
        return self.split.unseen(self.dataset.episode_ids[rows])

    def _part(self, name: str, config: Any, learn: Any, restore: Any, from_actions: bool) -> Any:
        if from_actions and not self._acts:
            return None
        training = self.training
        kept = training.ranks.agree(lambda: training.workdir.load_stage(name))
        if kept is not None:
            self.log.append(StageLog(**kept[1]))
            return restore(kept[0])
        training.workdir.keep_rows(name, lambda logged: logged != FIGURES)  # of a run killed before it kept the stage
        if self._source is not None and self._source.stage_keys.get(name) == self.keys[name]:
            part = restore(self._source.part(name).arrays())
            log = next(entry for entry in self._source.fit_log if entry.stage == name)
        else:
            training.clock.begin()
            with training.execution.reproducibly():
                part, figures = learn()
            if training.ranks.size > 1:  # what the first learned counts: another machine may round otherwise
                arrays, figures = training.ranks.agree(lambda: (part.arrays(), figures))
                part = restore(arrays)
            log = StageLog(name, *training.clock.spent(), figures)
        self.log.append(log)
        training.workdir.log(name, FIGURES, log.figures)
        training.workdir.save_stage(name, part.arrays(), asdict(log))
        return part


class SavedFit(Fit):
    """The stages of a saved agent, read in their order."""

    def __init__(self, about: Mapping[str, Any], arrays: Arrays, device: torch.device, *, bare: bool = False) -> None:
        """Arrays: those of each stage under its name; of the only stage as they are, if ``bare``."""
        super().__init__(about, device)
        self._arrays, self._bare = arrays, bare

    def _part(self, name: str, config: Any, learn: Any, restore: Any, from_actions: bool) -> Any:
        found = self._arrays if self._bare else under_prefix(name, self._arrays)
        return restore(found) if found else None


@dataclass
class Forecast(Fit):
    """What memory the stages will need; nothing is learned.

    Attributes:
        size: of the data.
        added: bytes that each stage adds while it runs.
    """

    size: DataSize
    acts: bool
    is_image: bool
    added: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        about = {"observation_shape": self.size.observation_shape, "is_image": self.is_image, "num_actions": None}
        nothing = {"seed": 0, "dataset_fingerprint": "", "execution": {}}
        super().__init__({**about, **nothing}, torch.device("cpu"))

    def _part(self, name: str, config: Any, learn: Any, restore: Any, from_actions: bool) -> Any:
        if self.acts or not from_actions:
            self.added[name] = int(config.memory_need(self.size))


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
