"""`plan2vec demo`."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Context, RunOptions


@dataclass(frozen=True)
class Command(RunOptions):
    """C-Maze from random rollouts to a report, in about a minute. Start here."""

    rollouts: int = 1000
    """random rollouts of 10 steps to learn from"""
    map: bool = True
    """also train a 2-d map over the same graph, for the picture"""

    def run(self, context: Context) -> int:
        """Runs the demo, or draws the report of a finished one again."""
        from ..runs.job import Job
        from .train import run_and_print

        job = Job(
            size=f"{self.rollouts}x10",
            seed=self.seed,
            device=self.device,
            execution=context.execution(),
            num_tasks=self.tasks,
            draw_map=self.map,
            config=context.agent_config("plan2vec"),
        )
        return run_and_print(job, self.out, context, reuse=not self.fresh, fresh=self.fresh)
