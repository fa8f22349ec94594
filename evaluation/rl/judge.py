"""How well a policy of Stable-Baselines3 does, asked now and then while it learns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..protocols.tasks import TaskList


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


class Driven(NamedTuple):
    """What a policy did in J tasks."""

    solved: np.ndarray
    """(J,) bool"""
    paths: list[np.ndarray]
    """(T + 1, 2) true positions of each, metres"""


def drive(
    model: Any,
    tasks: TaskList,
    *,
    obs_type: str = "state",
    action_type: str = "discrete",
    samples: bool = False,
    horizon: int = 50,
) -> Driven:
    """What a model does in each task, within so many steps.

    Args:
        model: of Stable-Baselines3.
        tasks: J tasks.
        obs_type: "image" or "state", as it was trained.
        action_type: as it was trained.
        samples: whether actions are drawn from its policy; else it takes the likeliest.
        horizon: steps.
    """
    import gymnasium as gym

    envs = gym.make_vec(
        tasks.env_id,
        num_envs=len(tasks),
        vectorization_mode="vector_entry_point",
        obs_type=obs_type,
        action_type=action_type,
        max_episode_steps=horizon + 1,
        autoreset_mode="next_step",
    )
    solved = np.zeros(len(tasks), bool)
    try:
        observation, info = envs.reset(options={"start": tasks.start, "goal": tasks.goal})
        places, steps = [info["oracle_position"]], np.zeros(len(tasks), int)
        for _ in range(horizon):
            actions, _ = model.predict(observation, deterministic=not samples)
            observation, _, terminated, _, info = envs.step(actions)
            places.append(info["oracle_position"])
            steps += ~solved
            solved |= terminated  # what such a lane does after its reset is another task
            if solved.all():
                break
    finally:
        envs.close()
    walked = np.stack(places, axis=1)
    return Driven(solved, [path[: length + 1] for path, length in zip(walked, steps, strict=True)])


class Stopwatch:
    """Seconds of training, with the time of evaluations left out."""

    def __init__(self, wall: float = 0.0, cpu: float = 0.0) -> None:
        self._wall, self._cpu = time.perf_counter() - wall, time.process_time() - cpu

    def spent(self) -> tuple[float, float]:
        """(wall, processor) seconds."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu

    def skip(self, before: tuple[float, float]) -> None:
        """Leave out what was spent since ``before``."""
        now = self.spent()
        self._wall += now[0] - before[0]
        self._cpu += now[1] - before[1]


def judging_callback(
    ask: Callable[[], np.ndarray],
    tasks: TaskList,
    every: int,
    *,
    curve: list[Point] | None = None,
    tell: Callable[[list[Point]], None] = lambda curve: None,
    stop_at: float | None = None,
    max_seconds: float | None = None,
    progress: int | None = None,
) -> Any:
    """A callback that evaluates each time so many environment steps were made, and ends training when it should end.

    Args:
        ask: (J,) bool, which tasks are solved now.
        tasks: J tasks.
        every: environment steps between two evaluations.
        curve: points of an earlier part of the run, to go on from; new ones are appended.
        tell: is given the whole curve after each evaluation.
        stop_at: success rate in [0, 1] that is enough.
        max_seconds: of training.
        progress: environment steps in all, to show a bar; None for no bar.
    """
    from stable_baselines3.common.callbacks import BaseCallback
    from tqdm import tqdm

    points = [] if curve is None else curve

    class Judge(BaseCallback):
        def _on_training_start(self) -> None:
            self.watch = Stopwatch(points[-1].wall, points[-1].cpu) if points else Stopwatch()
            self.due = every * (self.num_timesteps // every + 1)
            self.bar = tqdm(total=progress, initial=self.num_timesteps, unit="step", disable=progress is None)

        def _on_training_end(self) -> None:
            self.bar.close()

        def _on_step(self) -> bool:
            before = self.watch.spent()
            self.bar.update(self.num_timesteps - self.bar.n)
            if self.num_timesteps >= self.due:
                self.due = every * (self.num_timesteps // every + 1)
                solved = ask()
                blocked = float(solved[tasks.blocked].mean()) if tasks.blocked.any() else None
                points.append(Point(self.num_timesteps, *before, float(solved.mean()), blocked))
                self.logger.record("eval/success", points[-1].success)
                if blocked is not None:
                    self.logger.record("eval/success_blocked", blocked)
                tell(points)
                self.watch.skip(before)
                if stop_at is not None and points[-1].success >= stop_at:
                    return False
            return max_seconds is None or before[0] < max_seconds

    return Judge()
