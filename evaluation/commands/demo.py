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
        from .train import run_and_print

        asked = {"size": f"{self.rollouts}x10", "draw_map": self.map}
        return run_and_print(self, context, "plan2vec", asked, reuse=not self.fresh)
