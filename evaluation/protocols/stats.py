"""Statistics of score matrices (R runs, J tasks): mean, interquartile mean, intervals.

Scores are kept per run and task. The stratified bootstrap resamples runs within each task, so it says how much the
number would move with other training seeds on the same tasks; the Wilson interval treats tasks as independent draws
and is what a single run can offer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Interval:
    """A point estimate with the two ends of its 95 % interval, in the unit of the scores."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        """`99.6 [99.1, 99.9]` for scores in 0..1."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def mean(scores: np.ndarray) -> np.ndarray:
    """Mean over the last two axes: (..., R, J) -> (...)."""
    return np.asarray(scores, float).mean((-2, -1))


def iqm(scores: np.ndarray) -> np.ndarray:
    """Interquartile mean over the last two axes: the mean of the middle half, (..., R, J) -> (...)."""
    scores = np.asarray(scores, float)
    flat = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)
    cut = int(0.25 * flat.shape[-1])
    return flat[..., cut : flat.shape[-1] - cut].mean(-1)


def stratified_bootstrap(
    scores: np.ndarray, statistic: Statistic = mean, *, reps: int = 2000, seed: int = 0
) -> Interval:
    """Point estimate and 95 % percentile interval of a statistic, resampling runs within each task.

    Args:
        scores: (R, J) finite scores of R runs on the same J tasks.
        statistic: maps (..., R, J) to (...).
        reps: bootstrap samples.
        seed: of the resampling; equal seeds give equal intervals.

    Raises:
        ValueError: if scores are not a non-empty finite (R, J) matrix.
    """
    scores = _matrix(scores)
    runs, tasks = scores.shape
    rng = np.random.default_rng(seed)
    samples = np.empty(reps)
    for start in range(0, reps, 100):  # blocks keep the memory at a few megabytes
        block = slice(start, min(start + 100, reps))
        rows = rng.integers(runs, size=(block.stop - block.start, runs, tasks))
        samples[block] = statistic(scores[rows, np.arange(tasks)])
    low, high = np.quantile(samples, [0.025, 0.975])
    return Interval(float(statistic(scores)), float(low), float(high))


def wilson(successes: np.ndarray, *, z: float = 1.959964) -> Interval:
    """Wilson 95 % interval of a success rate, tasks taken as independent draws; not degenerate at 0 and 100 %."""
    hits = np.asarray(successes, bool).ravel()
    if not hits.size:
        raise ValueError("a success rate needs at least one task")
    n, p = hits.size, float(hits.mean())
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)))


def interval(successes: np.ndarray) -> Interval:
    """Of a (R, J) success matrix: stratified bootstrap over runs, Wilson's where runs do not differ.

    Where all runs agree on every task, or there is one alone, a bootstrap over runs has nothing to vary.
    """
    successes = _matrix(successes)
    if len(successes) > 1:
        found = stratified_bootstrap(successes)
        if found.low < found.high:
            return found
    return wilson(successes)


def _matrix(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, float)
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(f"scores must be a non-empty finite (R, J) matrix, got shape {scores.shape}")
    return scores
