"""Per-task scores of a run in a few short lines, and of many cells as one row with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...protocols.results import EvalResult
from ...protocols.stats import Interval, iqm, stratified_bootstrap, wilson


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


def bits(flags: np.ndarray) -> str:
    """(J,) bool -> "0110…"."""
    return "".join("1" if flag else "0" for flag in flags)


def flags(text: str) -> np.ndarray:
    """The inverse of `bits`."""
    return np.array([digit == "1" for digit in text])


def rate(text: str) -> float:
    """Share of ones in what `bits` wrote."""
    return text.count("1") / len(text)


def pooled(runs: Sequence[dict[str, Any]], key: str = "success_02") -> dict[str, Any]:
    """One row over R runs of J tasks each: mean, interquartile mean, intervals, every run's own mean.

    Where all runs agree on every task a bootstrap over runs has nothing to vary: the interval is Wilson's over all
    attempts. On blocked tasks it is the bootstrap where all runs have the same tasks, else Wilson's.
    """
    success = np.stack([flags(run[key]) for run in runs])  # (R, J)
    blocked = np.stack([flags(run["blocked"]) for run in runs])
    optimality = [run["steps_over_least"] for run in runs if run["steps_over_least"] is not None]
    same = bool((blocked == blocked[0]).all())
    hidden = None
    if blocked.any():
        hidden = interval(success[:, blocked[0]]) if same else wilson(success[blocked])
    return {
        "mean": vars(interval(success)),
        "iqm": vars(stratified_bootstrap(success, iqm)) if len(success) > 1 else None,
        "blocked": None if hidden is None else vars(hidden),
        "blocked_tasks": int(blocked.sum()) // len(runs),
        "per_seed": success.mean(1).round(4).tolist(),
        "steps_over_least": round(float(np.mean(optimality)), 3) if optimality else None,
        "milliseconds_per_decision": round(1e3 * float(np.median([run["seconds_per_decision"] for run in runs])), 3),
    }


def interval(success: np.ndarray) -> Interval:
    """Of a (R, J) success matrix: stratified bootstrap over runs, Wilson's where runs do not differ."""
    if len(success) > 1:
        found = stratified_bootstrap(success)
        if found.low < found.high:
            return found
    return wilson(success)


def percent(found: dict[str, float] | None) -> str:
    """`99.6 [99.1, 99.9]`, or a dash."""
    return "–" if found is None else Interval(**found).percent()


def mean_of(values: Sequence[float]) -> dict[str, float]:
    """Mean of one number a run, with its 95 % bootstrap interval over runs: that of a single run is a point."""
    return vars(stratified_bootstrap(np.asarray(values, float)[:, None]))


def plain(found: dict[str, float] | None, spec: str) -> str:
    """`0.996 [0.991, 0.999]` for numbers that are no percentages, without interval where it is a point, or a dash."""
    if found is None:
        return "–"
    value, low, high = (format(found[name], spec) for name in ("value", "low", "high"))
    return value if found["low"] == found["high"] else f"{value} [{low}, {high}]"
