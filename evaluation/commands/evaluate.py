"""`plan2vec evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from .context import Context


@dataclass(frozen=True)
class Command:
    """Judge a trained agent in the closed loop, beside random actions and the oracles.

    The graph walk needs the training dataset: `train` judges it.
    """

    agent: Annotated[Path, tyro.conf.Positional]
    """run folder, or the folder of a saved agent"""
    tasks: int = 200
    """number of tasks"""
    first_seed: int = 10_000
    """reset seed of the first task"""
    seed: int = 0
    """of the evaluation's own random draws"""
    out: Path | None = None
    """folder for one JSON a row"""

    def run(self, context: Context) -> int:
        """Judges and prints; a run folder is left as it is."""
        context.refuse_config()
        from agents import load_agent
        from agents.training import one_torch_thread

        from ..console import print_results
        from ..tasks import make_tasks

        agent = load_agent(self.agent)
        tasks = make_tasks(self._env_id(agent), self.tasks, self.first_seed)
        with one_torch_thread():
            results = list(_judge(agent, tasks, self.seed))
        if self.out is not None:
            for name, result in results:
                result.save(self.out / f"{name}.json")
        print_results(context.console, [result for _, result in results])
        return 0

    def _env_id(self, agent: Any) -> str:
        from ..errors import ProtocolError
        from ..runs import open_run

        env_id = getattr(agent, "env_id", None)
        if env_id is None and (self.agent / "config.json").is_file():
            env_id = open_run(self.agent).config.get("env_id")
        if env_id is None:
            raise ProtocolError(f"the agent in {self.agent} does not say where it was trained; evaluate its run folder")
        return str(env_id)


def _judge(agent: Any, tasks: Any, seed: int) -> Any:
    from agents import get_agent
    from data_collection import make_dataset

    from ..closed_loop import closed_loop, obs_type_of
    from ..oracles import oracles

    obs_type = obs_type_of(agent)
    options: dict[str, Any] = {"seed": seed, "obs_type": obs_type}
    if agent.new_memory(1) is not None:
        yield "closed-loop-memory", closed_loop(agent, tasks, memory=True, **options)
    yield "closed-loop-memoryless", closed_loop(agent, tasks, memory=False, **options)
    if agent.name != "random":
        # All that it learns is which actions there are.
        least = make_dataset(tasks.env_id, size="1x1", obs_type=obs_type, progress=False)
        yield "random", closed_loop(get_agent("random")().fit(least.without_oracle(), seed=seed), tasks, **options)
    for oracle in oracles(tasks.env_id):
        yield oracle.name, closed_loop(oracle, tasks, seed=seed)
