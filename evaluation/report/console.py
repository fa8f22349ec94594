"""What the command line prints: tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..protocols.results import EvalResult
from ..protocols.stats import wilson
from ..runs.judging import label
from ..runs.stopwatch import StageSeconds
from .published import paper_number


def print_results(console: Console, results: Sequence[EvalResult]) -> None:
    """Success with its interval, on blocked tasks, and the paper's number."""
    title = "Success within 50 steps, 2 cm from the goal"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    columns = (("% [95 % interval]", 19), ("wall in\nthe way", 7), ("steps/\nleast", 6), ("paper", 10))
    for name, width in columns:
        table.add_column(name, justify="right", width=width, no_wrap=True)
    for result in results:
        success = wilson(result.success_02)
        paper = None if result.oracle else paper_number(result.agent, result.env_id)
        table.add_row(
            label(result),
            success.percent(),
            _or_dash(100 * result.blocked_success_rate, ".1f"),
            _or_dash(result.mean_optimality, ".2f"),
            str(paper) if paper else "–",
        )
    console.print(table)


def print_stages(console: Console, stages: Sequence[StageSeconds]) -> None:
    """Wall and CPU seconds of each stage."""
    table = Table(title="Seconds", title_justify="left", box=SIMPLE_HEAD, show_footer=True)
    table.add_column("stage", footer="total")
    table.add_column("wall", justify="right", footer=f"{sum(stage.wall for stage in stages):.1f}")
    table.add_column("CPU", justify="right", footer=f"{sum(stage.cpu for stage in stages):.1f}")
    for stage in stages:
        table.add_row(stage.stage, f"{stage.wall:.1f}", f"{stage.cpu:.1f}")
    console.print(table)


def _or_dash(value: float, spec: str) -> str:
    return "–" if np.isnan(value) else format(value, spec)
