"""What one evaluation of one agent on one task list found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.io import files
from plan2vec_envs.io.files import write_json as write_json

from ..errors import ResultsError

FORMAT = 1
RADII = (0.02, 0.03, 0.04)

read_json = partial(files.read_json, error=ResultsError)
"""A JSON object of ours; ResultsError, naming the file, if it is missing or damaged."""


@dataclass(frozen=True, eq=False)
class EvalResult:
    """One run of one agent over J tasks; the arrays are in task order.

    Attributes:
        agent: registered name.
        env_id: the environment.
        protocol: "closed-loop" or "graph".
        memory: whether the agent could remember what it had tried.
        oracle: whether the agent saw true positions (a reference, not a competitor).
        seed: of the evaluation's own random draws.
        horizon: steps (or hops) allowed.
        success_02: (J,) bool, the environment's own success, within .02 m after a step.
        success_03: (J,) bool, ever within .03 m after a counted step.
        success_04: (J,) bool, ever within .04 m after a counted step.
        steps: (J,) int64, counted steps, `horizon` where the task failed.
        optimality: (J,) float64, steps taken / least steps, NaN where the task failed; 1 is best.
        blocked: (J,) bool, whether the task's straight line crosses a wall.
        seconds_per_decision: wall seconds of acting / decisions made, in lockstep batches.
        config: what else decides the numbers (task seeds, agent configuration).
        fingerprint: of the training dataset, or None for an agent that learns nothing.
        trajectories: J arrays (T_j + 1, 2) of true positions, for figures; empty where they were not kept.
    """

    agent: str
    env_id: str
    protocol: str
    memory: bool
    oracle: bool
    seed: int
    horizon: int
    success_02: np.ndarray
    success_03: np.ndarray
    success_04: np.ndarray
    steps: np.ndarray
    optimality: np.ndarray
    blocked: np.ndarray
    seconds_per_decision: float
    config: dict[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None
    trajectories: Sequence[np.ndarray] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.success_02)
        for name in _ARRAYS:
            if np.shape(getattr(self, name)) != shape or len(shape) != 1:
                raise ResultsError(f"{name} has shape {np.shape(getattr(self, name))}, need {shape}, one entry a task")

    @property
    def num_tasks(self) -> int:
        """J."""
        return len(self.success_02)

    @property
    def success_rate(self) -> float:
        """Share of tasks solved at .02 m."""
        return float(np.mean(self.success_02))

    @property
    def blocked_success_rate(self) -> float:
        """The same on tasks whose straight line is blocked; NaN where there is none."""
        return float(np.mean(self.success_02[self.blocked])) if self.blocked.any() else float("nan")

    @property
    def mean_optimality(self) -> float:
        """Mean of steps taken / least steps over the solved tasks; NaN where none was solved."""
        solved = self.optimality[self.success_02]
        return float(solved.mean()) if solved.size else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; NaN becomes null, positions are rounded to .1 mm."""
        data: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in _ARRAYS:
            data[name] = getattr(self, name).tolist()
        data["optimality"] = [None if np.isnan(x) else round(x, 4) for x in self.optimality]
        data["trajectories"] = [np.round(path, 4).tolist() for path in self.trajectories]
        return {"format": FORMAT, **data}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EvalResult:
        """The inverse of `to_dict`.

        Raises:
            ResultsError: if the data is of another format or a field is missing.
        """
        if data.get("format") != FORMAT:
            raise ResultsError(f"results of format {data.get('format')!r}; this version reads format {FORMAT}")
        try:
            values = {f.name: data[f.name] for f in fields(cls)}
            for name, dtype in _ARRAYS.items():
                values[name] = np.asarray([np.nan if x is None else x for x in values[name]], dtype)
            values["trajectories"] = [np.asarray(path, np.float64).reshape(-1, 2) for path in values["trajectories"]]
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"not an evaluation result: {error!r}") from error

    def save(self, path: Path) -> None:
        """Writes JSON, whole or not at all."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: Path) -> EvalResult:
        """Reads what `save` wrote.

        Raises:
            ResultsError: if the file is not a result, or cut short.
        """
        return cls.from_dict(read_json(path))


def scores(gap: np.ndarray, solved: np.ndarray, horizon: int, least_steps: np.ndarray) -> dict[str, Any]:
    """The score arrays of an `EvalResult`; a task counts until it is first solved.

    Args:
        gap: (T + 1, J) metres to the goal, at the start and after each step.
        solved: (T + 1, J) bool, whether the task is solved by then, at .02 m.
        horizon: steps allowed.
        least_steps: (J,) int64, the fewest that would do.
    """
    success = solved.any(0)
    steps = np.where(success, solved.argmax(0), horizon).astype(np.int64)
    clock = np.arange(len(gap))[:, None]
    counted = (clock <= steps) & ((clock > 0) | (len(gap) == 1))  # the start only where nobody moved
    closest = np.where(counted, gap, np.inf).min(0)
    return {
        "success_02": success,
        "success_03": success | (closest < RADII[1]),
        "success_04": success | (closest < RADII[2]),
        "steps": steps,
        "optimality": np.where(success, steps / np.maximum(1, least_steps), np.nan),
    }


_ARRAYS: dict[str, type] = {
    "success_02": bool,
    "success_03": bool,
    "success_04": bool,
    "steps": np.int64,
    "optimality": np.float64,
    "blocked": bool,
}
