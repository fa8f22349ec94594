"""`plan2vec reproduce`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ...commands.context import Context, EngineOptions


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions(EngineOptions):
    """Options of commands that run experiments."""

    preset: str = "quick"
    """smoke (minutes, proves nothing), quick (the README's tables), paper (its networks; for a CUDA device)"""
    seeds: int | None = None
    """data-and-training seeds; None for what the preset or the experiment asks for"""
    env: tuple[str, ...] = ()
    """environments; none for the experiment's own"""
    size: str | None = None
    """rollouts x horizon of the data, where the experiment does not vary it"""
    jobs: int | None = None
    """runs at once, a process of one thread each; None for one a core, or every processor of a Ray cluster"""
    address: str | None = None
    """of a running Ray cluster whose machines share --out; None starts one on this machine"""
    device: str = "cpu"
    """where agents are trained: cpu or cuda; --execution.help lists how"""
    out: Path = Path("runs/reproduce")
    """folder for agents and results; agents are shared between experiments"""


@dataclass(frozen=True)
class Command(ExperimentOptions):
    """Run an experiment of the paper again: fit what it needs, judge, write tables and figures.

    Stopped by Ctrl-C or kill -9, the same command goes on where it was and ends with the same table.
    """

    id: Annotated[str, tyro.conf.Positional] = "list"
    """table1 to table5, fig3 to fig15, algorithms, ablations, reward and others; `list` names all"""
    only: tuple[str, ...] = ()
    """methods (for example `plan2vec vae-2`), of table1 also any registered agents, or families of ablations; none for
    all"""
    summary: Path | None = None
    """also write the small summary here, for example docs/results/table1.json"""
    report: Path | None = None
    """runs nothing: draws the page of a finished experiment's folder again, or one page of a folder of them"""

    def run(self, context: Context) -> int:
        """Runs what is missing and writes the report."""
        from ..lab.command import list_experiments, reproduce, write_report

        if self.report is not None:
            context.console.print(f"Report: {write_report(self.report)}", soft_wrap=True)
        elif self.id == "list":
            list_experiments(context.console)
        else:
            reproduce(self, context)
        return 0
