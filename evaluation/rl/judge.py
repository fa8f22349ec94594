"""How well a policy of Stable-Baselines3 does, asked now and then while it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from agents.training.loop import Clock

from ..protocols.closed_loop import closed_loop
from ..protocols.results import EvalResult
from ..protocols.tasks import TaskList
from .algorithms import ALGORITHMS, Algorithm, get_algorithm
from .job import RLJob


@dataclass(frozen=True)
class Point:
    """One evaluation.

    Attributes:
        steps: environment steps made so far.
        wall: seconds of training so far, evaluations not counted.
        cpu: the same in processor seconds.
        success: share of tasks solved.
        blocked: the same among those whose straight line is blocked; None if there are none.
    """

    steps: int
    wall: float
    cpu: float
    success: float
    blocked: float | None


class _Policy:
    """A model of Stable-Baselines3 as the closed loop takes an agent."""

    name = "policy"

    def __init__(self, model: Any, algorithm: Algorithm) -> None:
        self._model, self._samples = model, algorithm.samples
        self.num_actions = None if algorithm.action_type == "box" else 8

    def act(self, observation: np.ndarray, goal: np.ndarray, *, memory: Any = None, rng: Any = None) -> np.ndarray:
        seen = {"observation": observation, "achieved_goal": observation, "desired_goal": goal}
        return self._model.predict(seen, deterministic=not self._samples)[0]


def drive(
    model: Any, tasks: TaskList, algorithm: Algorithm = ALGORITHMS["dqn"], *, obs_type: str = "state", horizon: int = 50
) -> EvalResult:
    """What a model does in each task, within so many steps.

    Args:
        model: of Stable-Baselines3.
        tasks: J tasks.
        algorithm: which kind of actions it takes, and whether they are drawn from its policy; else it takes the
            likeliest.
        obs_type: "image" or "state", as it was trained.
        horizon: steps.
    """
    return closed_loop(_Policy(model, algorithm), tasks, memory=False, horizon=horizon, obs_type=obs_type)


def judging_callback(
    job: RLJob, points: list[Point], tell: Callable[[list[Point]], None] = lambda curve: None, *, progress: bool = False
) -> Any:
    """A callback that evaluates as often as a job says, and ends training when the job does.

    Args:
        job: what is trained.
        points: those of an earlier part of the run, to go on from; new ones are appended.
        tell: is given the whole curve after each evaluation.
        progress: whether to show a bar.
    """
    from stable_baselines3.common.callbacks import BaseCallback

    tasks, algorithm = job.tasks(), get_algorithm(job.algorithm)

    class Judge(BaseCallback):
        def _on_training_start(self) -> None:
            self.clock = Clock()
            if points:
                self.clock.add(points[-1].wall, points[-1].cpu)
            self.due = job.every * (self.num_timesteps // job.every + 1)
            self.bar = tqdm(total=job.steps, initial=self.num_timesteps, unit="step", disable=not progress)

        def _on_training_end(self) -> None:
            self.bar.close()

        def _on_step(self) -> bool:
            before = self.clock.spent()
            self.bar.update(self.num_timesteps - self.bar.n)
            if self.num_timesteps >= self.due:
                self.due = job.every * (self.num_timesteps // job.every + 1)
                solved = drive(self.model, tasks, algorithm, obs_type=job.obs_type).success_02
                blocked = float(solved[tasks.blocked].mean()) if tasks.blocked.any() else None
                points.append(Point(self.num_timesteps, *before, float(solved.mean()), blocked))
                self.logger.record("eval/success", points[-1].success)
                if blocked is not None:
                    self.logger.record("eval/success_blocked", blocked)
                tell(points)
                wall, cpu = self.clock.spent()
                self.clock.add(before[0] - wall, before[1] - cpu)  # evaluations are not counted
                if job.stop_at is not None and points[-1].success >= job.stop_at:
                    return False
            return job.max_seconds is None or before[0] < job.max_seconds

    return Judge()
