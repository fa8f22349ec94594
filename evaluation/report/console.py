"""Results and stages as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..protocols.results import EvalResult
from ..protocols.stats import wilson
from ..runs.judging import label
from ..runs.stopwatch import StageSeconds
from .published import paper_number
from .tables import Table


def results_table(results: Sequence[EvalResult]) -> Table:
    """Success with its interval, on blocked tasks, and the paper's number."""
    rows = [
        (
            "",
            [
                label(result),
                wilson(result.success_02).percent(),
                _or_dash(100 * result.blocked_success_rate, ".1f"),
                _or_dash(result.mean_optimality, ".2f"),
                (not result.oracle and paper_number(result.agent, result.env_id)) or "–",
            ],
        )
        for result in results
    ]
    head = ["", "% [95 % interval]", "wall in\nthe way", "steps/\nleast", "paper"]
    return Table("Success within 50 steps, 2 cm from the goal", head, rows)


def stages_table(stages: Sequence[StageSeconds]) -> Table:
    """Wall and CPU seconds of each stage."""
    total = StageSeconds("total", sum(stage.wall for stage in stages), sum(stage.cpu for stage in stages))
    rows = [("", [each.stage, f"{each.wall:.1f}", f"{each.cpu:.1f}"]) for each in (*stages, total)]
    return Table("Seconds", ["stage", "wall", "CPU"], rows)


def _or_dash(value: float, spec: str) -> str:
    return "–" if np.isnan(value) else format(value, spec)
