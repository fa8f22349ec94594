"""What one run is asked to do; two runs with equal jobs are the same run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents import get_agent
from agents.training.config_json import to_dict
from agents.training.execution import DEFAULT_EXECUTION, Execution
from agents.training.loop import resolve_device
from data_collection.collection.make import make_dataset, parse_size
from data_collection.storage import load_dataset

from ..errors import ProtocolError, RunFolderError
from ..protocols.tasks import FIRST_SEED
from .folder import RunFolder


@dataclass(frozen=True)
class Job:
    """Collect, learn, judge, report: everything that decides the outcome.

    Attributes:
        env_id: the environment.
        agent: registered name.
        size: rollouts x horizon of the dataset.
        seed: of collection and training.
        device: "cpu" or "cuda", for training.
        execution: how to train.
        num_tasks: tasks an agent is judged on.
        draw_map: whether to train a 2-d map over the same graph, for the picture.
        config: the agent's configuration; None for its default.
        data: a dataset file in place of a fresh collection.
    """

    env_id: str = "Plan2vec/CMaze-v0"
    agent: str = "plan2vec"
    size: str = "1000x10"
    seed: int = 0
    device: str = "cpu"
    execution: Execution = DEFAULT_EXECUTION
    num_tasks: int = 200
    draw_map: bool = True
    config: Any = None
    data: Path | None = None

    def check(self) -> None:
        """Looks for what would stop the job later, so that nothing is written for a job that cannot run.

        Raises:
            Plan2vecError: an unusable size, number of tasks, device or dataset file.
        """
        resolve_device(self.device)
        if self.num_tasks < 1:
            raise ProtocolError(f"{self.num_tasks} tasks were asked for; an agent is judged on at least 1")
        if self.data is not None:
            load_dataset(self.data, expect_env_id=self.env_id)
        else:
            parse_size(self.size)

    def new_agent(self) -> Any:
        """An untrained agent of this job.

        Raises:
            UnknownNameError: with the closest registered name.
        """
        return get_agent(self.agent)(self.config)

    def identity(self) -> dict[str, Any]:
        """Plain JSON: what `config.json` holds and what a resumed run must match."""
        agent_config = self.new_agent().config
        execution = self.execution.identity()
        plain = {
            "env_id": self.env_id,
            "agent": self.agent,
            "size": self.size,
            "seed": self.seed,
            "device": self.device,
            **({"execution": execution} if execution else {}),
            "num_tasks": self.num_tasks,
            "first_task_seed": FIRST_SEED,
            "draw_map": self.draw_map,
            "data": None if self.data is None else str(self.data),
            "agent_config": to_dict(agent_config),
        }
        return json.loads(json.dumps(plain))

    def dataset(self, *, progress: bool = True) -> Any:
        """The dataset with its true positions; only evaluation may look at those."""
        if self.data is not None:
            return load_dataset(self.data, expect_env_id=self.env_id)
        return make_dataset(self.env_id, size=self.size, seed=self.seed, progress=progress)

    @classmethod
    def of(cls, run: RunFolder) -> Job:
        """The job of an existing run, without the agent's configuration (the saved agent has it).

        Raises:
            RunFolderError: if the folder's configuration is not one of a job.
        """
        config = run.config
        names = ("env_id", "agent", "size", "seed", "device", "num_tasks", "draw_map")
        try:
            data = config["data"]
            return cls(**{name: config[name] for name in names}, data=None if data is None else Path(data))
        except KeyError as error:
            raise RunFolderError(
                f"{run.root}: config.json has no {error}; it was written by another version"
            ) from error
