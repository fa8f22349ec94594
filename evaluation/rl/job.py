"""What to train: a policy in a room, and what pays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents import AGENTS, get_agent
from agents.reward import MODES
from agents.training.loop import resolve_device
from data_collection.collection.make import parse_size
from plan2vec_envs.errors import InvalidOptionError, check_name
from plan2vec_envs.maze.tasks import named_task

from ..protocols.tasks import TaskList, describe_tasks, make_tasks
from ..protocols.worlds import room_of
from .algorithms import get_algorithm

SPARSE, STRAIGHT_LINE = "sparse", "straight-line"


@dataclass(frozen=True)
class RLJob:
    """What to train.

    Attributes:
        env_id: the environment.
        algorithm: "ppo", "dqn", "sac" or "td3".
        reward: "sparse" (the environment's own), the name of an agent that is trained first, the folder of a saved
            agent, or "straight-line" (privileged).
        mode: of the metric's reward; see ``agents.reward``.
        gamma: discount, of the algorithm and of the shaping.
        steps: environment steps at most.
        seed: root of all randomness, the metric's included.
        obs_type: "image" or "state".
        task: a named task whose goal is that of every episode; None for random goals.
        size: rollouts x horizon of the metric's dataset.
        num_envs: in parallel.
        num_tasks: to judge on.
        every: environment steps between two evaluations.
        stop_at: success rate that is enough; None to go on to the end.
        max_seconds: of training; None for no limit.
        buffer_size: transitions of a replay buffer.
        device: "cpu" or "cuda".
        options: of the algorithm's constructor, in place of those of ``ALGORITHMS``; plain JSON.
    """

    env_id: str
    algorithm: str = "ppo"
    reward: str = "plan2vec"
    mode: str = "shaping"
    gamma: float = 0.98
    steps: int = 100_000
    seed: int = 0
    obs_type: str = "image"
    task: str | int | None = None
    size: str = "1000x10"
    num_envs: int = 16
    num_tasks: int = 200
    every: int = 5_000
    stop_at: float | None = None
    max_seconds: float | None = None
    buffer_size: int = 50_000
    device: str = "cpu"
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Whether all of it can be; nothing is written before.

        Raises:
            UnknownNameError: for a name, with the closest one.
            InvalidOptionError: for a number that cannot be.
        """
        room_of(self.env_id)
        get_algorithm(self.algorithm)
        _ = self.goal
        check_name("reward mode", self.mode, MODES)
        parse_size(self.size)
        resolve_device(self.device)
        for name in ("steps", "num_envs", "num_tasks", "every", "buffer_size"):
            if getattr(self, name) < 1:
                raise InvalidOptionError(f"{name} {getattr(self, name)}: need at least 1")
        if not 0 < self.gamma <= 1:
            raise InvalidOptionError(f"gamma {self.gamma}: a discount is above 0 and at most 1")
        if self.reward not in (SPARSE, STRAIGHT_LINE) and not self.reads_agent:
            get_agent(self.reward)

    @property
    def reads_agent(self) -> bool:
        """Whether the reward names a folder; a folder that has the name of an agent is not meant."""
        return self.reward not in (SPARSE, STRAIGHT_LINE, *AGENTS) and Path(self.reward).is_dir()

    @property
    def label(self) -> str:
        """A short name for folders and figures."""
        reward = Path(self.reward).name if self.reads_agent else self.reward
        return f"sb3-{self.algorithm}-{reward}" + (f"-{self.mode}" if reward != SPARSE else "")

    @property
    def goal(self) -> tuple[float, float] | None:
        """(x, y) metres of every episode's goal; None for random goals.

        Raises:
            UnknownNameError: with the closest task.
        """
        if self.task is None:
            return None
        x, y = named_task(room_of(self.env_id), self.task)[1]
        return float(x), float(y)

    def tasks(self) -> TaskList:
        """The fixed tasks, with the goal of the job where it has one."""
        tasks = make_tasks(self.env_id, self.num_tasks)
        if self.goal is None:
            return tasks
        return describe_tasks(self.env_id, tasks.seeds, tasks.start, np.tile(self.goal, (len(tasks), 1)))
