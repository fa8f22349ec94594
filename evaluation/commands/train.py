"""`plan2vec train`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from .context import Context, RunOptions


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

        room_of(self.env)
        asked = {
            "env_id": self.env,
            "size": self.size if self.rollouts is None else f"{self.rollouts}x10",
            "draw_map": self.map,
            "data": self.data,
        }
        return run_and_print(self, context, self.agent, asked, tensorboard=self.tensorboard)


def run_and_print(options: RunOptions, context: Context, agent: str, asked: dict[str, Any], **how: bool) -> int:
    """Runs a `Job`, of fields that were asked, with options of `run_job`; prints its tables and where its report is."""
    from ..pipeline import run_job
    from ..report.numbers import Numbers
    from ..report.story import printed_results, printed_stages
    from ..runs.job import Job

    job = Job(
        agent=agent,
        seed=options.seed,
        device=options.device,
        execution=context.execution(),
        num_tasks=options.tasks,
        config=context.agent_config(agent),
        **asked,
    )
    console = context.console
    run = run_job(job, options.out, context.command, say=console.print, fresh=options.fresh, **how)
    if run is None:  # the first process has it
        return 0
    numbers = Numbers.of(run)
    console.print()
    printed_results([line.result for line in numbers.lines]).show(console)
    console.print()
    printed_stages(numbers).show(console)
    console.print(f"\nReport: {run.path('report.html')}", soft_wrap=True)
    return 0
