"""The uniform policy: every action equally likely, every distance a coin toss. What anything must beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from data_collection import Dataset

from ..base.agent import as_batch, register_agent
from ..errors import NotFittedError
from ..training.execution import DEFAULT_EXECUTION, Execution
from ..training.loop import StageLog
from ..training.saving import read_agent, save_agent


@dataclass(frozen=True)
class UniformConfig:
    """Nothing to choose."""


@register_agent
class UniformAgent:
    """Acts uniformly at random; learns only what actions there are."""

    name = "random"

    def __init__(self, config: UniformConfig | None = None) -> None:
        self.config = config or UniformConfig()
        self.fit_log: list[StageLog] = []
        self._rng = np.random.default_rng(0)
        self._low = self._high = np.zeros(0, np.float32)
        self._num_actions: int | None = None
        self._fitted = False

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
        """Note the actions: their number, or the range they were recorded in."""
        self._num_actions = dataset.num_actions
        self.observation_shape, self.is_image = dataset.observation_shape, dataset.is_image
        if dataset.num_actions is None and dataset.actions is not None:
            self._low, self._high = dataset.actions.min(0), dataset.actions.max(0)
        self._rng = np.random.default_rng(seed)
        self._fitted = True
        return self

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Uniform noise in [0, 1), one number for each pair: (B, ...) and (B, ...) -> (B,) float32."""
        batch, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        noise = self._rng.random(len(batch), np.float32)
        return noise[0] if single else noise

    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Uniform actions: (B,) int64, or (B, A) float32 in the recorded range."""
        if not self._fitted:
            raise NotFittedError("this agent does not know the actions yet; call fit(dataset) or load(path) first")
        rng = rng or self._rng
        batch, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        if self._num_actions is not None:
            actions = rng.integers(self._num_actions, size=len(batch))
        else:
            actions = rng.uniform(self._low, self._high, (len(batch), len(self._low))).astype(np.float32)
        return actions[0] if single else actions

    def new_memory(self, num_episodes: int = 1) -> None:
        """None: it remembers nothing."""
        return None

    def save(self, path: Path | str) -> None:
        """Write the agent into a folder."""
        record = {
            "num_actions": self._num_actions,
            "observation_shape": list(self.observation_shape),
            "is_image": self.is_image,
        }
        save_agent(path, self.name, {"low": self._low, "high": self._high}, record)

    @classmethod
    def load(cls, path: Path | str, *, device: str = "cpu") -> Self:
        """Read an agent that ``save`` wrote."""
        arrays, record = read_agent(path, cls.name)
        agent = cls()
        agent._num_actions = record["num_actions"]
        agent.observation_shape, agent.is_image = tuple(record["observation_shape"]), record["is_image"]
        agent._low, agent._high = arrays["low"], arrays["high"]
        agent._fitted = True
        return agent
