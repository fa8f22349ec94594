"""The uniform policy: every action equally likely, every distance a coin toss. What anything must beat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from data_collection import Dataset

from ..base.agent import Agent
from ..base.registry import register_agent
from ..control.action_memory import ActionMemory
from ..training.saving import Arrays


@dataclass(frozen=True)
class UniformConfig:
    """Nothing to choose."""

    def memory_need(self, size: Any) -> int:
        """Bytes that it takes: none."""
        return 0


@dataclass(frozen=True, eq=False)
class ActionRange:
    """What actions there are: their number, or the range they were recorded in."""

    num_actions: int | None
    low: np.ndarray
    """(A,) float32, empty for discrete actions"""
    high: np.ndarray
    """(A,) float32"""

    @classmethod
    def of(cls, dataset: Dataset) -> tuple[Self, dict[str, float]]:
        """Those of a dataset."""
        nothing = np.zeros(0, np.float32)
        if dataset.num_actions is not None or dataset.actions is None:
            return cls(dataset.num_actions, nothing, nothing), {}
        return cls(None, dataset.actions.min(0), dataset.actions.max(0)), {}

    def arrays(self) -> Arrays:
        """The range."""
        return {"low": self.low, "high": self.high}

    @classmethod
    def restore(cls, num_actions: int | None, arrays: Arrays) -> Self:
        """The actions that ``arrays`` came from."""
        return cls(num_actions, arrays["low"], arrays["high"])

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Uniform actions: (count,) int64, or (count, A) float32 in the recorded range."""
        if self.num_actions is not None:
            return rng.integers(self.num_actions, size=count)
        return rng.uniform(self.low, self.high, (count, len(self.low))).astype(np.float32)


@register_agent
class UniformAgent(Agent):
    """Acts uniformly at random; learns only what actions there are."""

    name = "random"
    config_class: ClassVar[type] = UniformConfig
    bare: ClassVar[bool] = True
    is_noise: ClassVar[bool] = True
    actions: ActionRange

    def _fit(self, run: Any) -> None:
        restore = partial(ActionRange.restore, run.num_actions)
        self.actions = run.stage("actions", self.config, lambda: ActionRange.of(run.dataset), restore)
        self._rng = np.random.default_rng(run.seed)

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Uniform noise in [0, 1), one number for each pair: (B, ...) and (B, ...) -> (B,) float32."""
        batch, single = self._batch(observation, "observation")
        noise = self._rng.random(len(batch), np.float32)
        return noise[0] if single else noise

    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: ActionMemory | None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Uniform actions: (B,) int64, or (B, A) float32 in the recorded range."""
        batch, single = self._batch(observation, "observation")
        drawn = self.actions.draw(len(batch), rng or self._rng)
        return drawn[0] if single else drawn

    def new_memory(self, num_episodes: int = 1) -> None:
        """None: it remembers nothing."""
