"""Per-task scores of a run in a few short lines, and of many cells as one row with its intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...protocols.closed_loop import closed_loop
from ...protocols.results import EvalResult
from ...protocols.stats import Interval, interval, iqm, stratified_bootstrap, wilson
from ...protocols.tasks import TaskList
from ...report.tables import Table
from .records import Found, Run

Column = tuple[str, Callable[[Any], str]]
"""The head of a column, and what its cell says of the thing that a row is about."""


def compact(result: EvalResult) -> dict[str, Any]:
    """A result in a few short lines: success and blocked tasks as digits."""
    optimality = result.mean_optimality
    return {
        "success_02": bits(result.success_02),
        "success_03": round(float(result.success_03.mean()), 4),
        "success_04": bits(result.success_04),
        "blocked": bits(result.blocked),
        "steps_over_least": None if np.isnan(optimality) else round(optimality, 4),
        "seconds_per_decision": round(result.seconds_per_decision, 7),
    }


def both_ways(agent: Any, tasks: TaskList, **options: Any) -> dict[str, dict[str, Any]]:
    """The closed loop with "memory", where the agent has one, and "memoryless", each as of `compact`."""
    ways = ("memory", "memoryless") if agent.new_memory(1) is not None else ("memoryless",)
    return {
        way: compact(closed_loop(agent, tasks, memory=way == "memory", keep_paths=False, **options)) for way in ways
    }


def bits(flags: np.ndarray) -> str:
    """(J,) bool -> "0110…"."""
    return "".join("1" if flag else "0" for flag in flags)


def flags(text: str) -> np.ndarray:
    """The inverse of `bits`."""
    return np.array([digit == "1" for digit in text])


def rate(text: str) -> float:
    """Share of ones in what `bits` wrote."""
    return text.count("1") / len(text)


def success(runs: Sequence[dict[str, Any]], key: str) -> dict[str, float]:
    """Share of ones with its interval, of what `bits` wrote under a key of each run."""
    return vars(interval(np.stack([flags(run[key]) for run in runs])))


def pooled(runs: Sequence[dict[str, Any]], key: str = "success_02") -> dict[str, Any]:
    """One row over R runs of J tasks each: mean, interquartile mean, intervals, every run's own mean.

    Where all runs agree on every task a bootstrap over runs has nothing to vary: the interval is Wilson's over all
    attempts. On blocked tasks it is the bootstrap where all runs have the same tasks, else Wilson's.
    """
    solved = np.stack([flags(run[key]) for run in runs])  # (R, J)
    blocked = np.stack([flags(run["blocked"]) for run in runs])
    same = bool((blocked == blocked[0]).all())
    hidden = None
    if blocked.any():
        hidden = interval(solved[:, blocked[0]]) if same else wilson(solved[blocked])
    return {
        "mean": vars(interval(solved)),
        "iqm": vars(stratified_bootstrap(solved, iqm)) if len(solved) > 1 else None,
        "blocked": None if hidden is None else vars(hidden),
        "blocked_tasks": int(blocked.sum()) // len(runs),
        "per_seed": solved.mean(1).round(4).tolist(),
        "steps_over_least": average([run["steps_over_least"] for run in runs], 3),
        "milliseconds_per_decision": round(1e3 * float(np.median([run["seconds_per_decision"] for run in runs])), 3),
    }


def percent(found: dict[str, float] | None) -> str:
    """`99.6 [99.1, 99.9]`, or a dash."""
    return "–" if found is None else Interval(**found).percent()


def mean_of(values: Iterable[float | None]) -> dict[str, float] | None:
    """Mean of one number a run, with its 95 % bootstrap interval over runs: that of a single run is a point.

    Runs that have no such number do not count; None where none has.
    """
    known = [value for value in values if value is not None]
    return vars(stratified_bootstrap(np.asarray(known, float)[:, None])) if known else None


def average(values: Iterable[float | None], digits: int) -> float | None:
    """The mean alone, rounded; as of `mean_of`."""
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), digits) if known else None


def plain(found: dict[str, float] | None, spec: str, times: float = 1) -> str:
    """`0.996 [0.991, 0.999]` for numbers that are no percentages, without interval where it is a point, or a dash."""
    if found is None:
        return "–"
    value, low, high = (format(times * found[name], spec) for name in ("value", "low", "high"))
    return value if found["low"] == found["high"] else f"{value} [{low}, {high}]"


def number(value: float | None, spec: str) -> str:
    """A number that may be missing, or a dash."""
    return "–" if value is None else format(value, spec)


def row(*cells: str, ours: bool = False) -> tuple[str, list[str]]:
    """A row of a table, set off where it is the method's own."""
    return "ours" if ours else "", list(cells)


def grouped(
    found: Found, by: Sequence[str | Callable[[Run], str]], pool: Callable[[list[dict[str, Any]]], Any] = list
) -> Any:
    """What the runs of each group gave, groups in the order of their first runs.

    Args:
        found: runs and results.
        by: for each level of nested dictionaries, a parameter of the runs or an attribute of `Run`, such as "name", or
            a function of a run.
        pool: makes one thing of the results of a group.
    """
    if not by:
        return pool([result for _, result in found])
    groups: dict[Any, list[tuple[Run, dict[str, Any]]]] = {}
    for run, result in found:
        level = by[0]
        if callable(level):
            key = level(run)
        else:
            key = run.params[level] if level in run.params else getattr(run, level)
        groups.setdefault(key, []).append((run, result))
    return {key: grouped(group, by[1:], pool) for key, group in groups.items()}


def means(runs: Sequence[dict[str, Any]], *keys: str) -> dict[str, dict[str, float] | None]:
    """`mean_of` what each run has under a key, for each key."""
    return {key: mean_of(run[key] for run in runs) for key in keys}


def averages(runs: Sequence[dict[str, Any]], **digits: int) -> dict[str, float | None]:
    """`average` of what each run has under a key, for each key, to so many digits."""
    return {key: average((run[key] for run in runs), places) for key, places in digits.items()}


def successes(runs: Sequence[dict[str, Any]], *keys: str) -> dict[str, dict[str, float]]:
    """`success` under each key."""
    return {key: success(runs, key) for key in keys}


def table(
    title: str, corner: str, columns: Sequence[Column], rows: Iterable[tuple[Any, str, Any]], *notes: str
) -> Table:
    """A table with a row for each thing and a column for each question about it.

    Args:
        title: one line.
        corner: what stands above the names of the things.
        columns: heads and cells.
        rows: a kind of `report.tables.KINDS` (True: "ours", False: none), a name, and the thing.
        notes: sentences below.
    """
    kinds = {True: "ours", False: ""}
    lines = [(kinds.get(kind, kind), [name, *(cell(thing) for _, cell in columns)]) for kind, name, thing in rows]
    return Table(title, [corner, *(head for head, _ in columns)], lines, list(notes))
