"""`plan2vec train`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from .context import Context, RunOptions

if TYPE_CHECKING:
    from ..runs.job import Job


@dataclass(frozen=True)
class Command(RunOptions):
    """Train an agent, judge it and write its report. --config.help lists the agent's own options."""

    env: Annotated[str, tyro.conf.Positional] = "Plan2vec/CMaze-v0"
    """environment id; `plan2vec envs` lists them"""
    agent: str = "plan2vec"
    """registered agent"""
    size: str = "1000x10"
    """rollouts x steps of the dataset"""
    rollouts: int | None = None
    """shorthand for --size {rollouts}x10"""
    data: Path | None = None
    """train on this dataset file in place of a fresh collection"""
    map: bool = False
    """also train a 2-d map over the same graph, for the picture"""
    tensorboard: bool = True
    """also log losses for TensorBoard, to tb/ in the run folder; metrics.csv is always written"""

    def run(self, context: Context) -> int:
        """Runs the job; an interrupted run with the same options is resumed."""
        from ..protocols.worlds import room_of
        from ..runs.job import Job

        room_of(self.env)
        job = Job(
            env_id=self.env,
            agent=self.agent,
            size=self.size if self.rollouts is None else f"{self.rollouts}x10",
            seed=self.seed,
            device=self.device,
            execution=context.execution(),
            num_tasks=self.tasks,
            draw_map=self.map,
            config=context.agent_config(self.agent),
            data=self.data,
        )
        return run_and_print(job, self.out, context, tensorboard=self.tensorboard, fresh=self.fresh)


def run_and_print(job: Job, out: Path, context: Context, **options: bool) -> int:
    """Runs a job, with the options of `run_job`, and prints its tables and where the report is."""
    from ..pipeline import run_job
    from ..report.console import results_table, stages_table
    from ..report.numbers import Numbers

    console = context.console
    run = run_job(job, out, context.command, say=console.print, **options)
    if run is None:  # the first process has it
        return 0
    numbers = Numbers.of(run)
    console.print()
    results_table([line.result for line in numbers.lines]).show(console)
    console.print()
    stages_table(numbers.stages).show(console)
    console.print(f"\nReport: {run.path('report.html')}", soft_wrap=True)
    return 0
