"""How well the learned metric knows the true distance."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_collection import Dataset
from plan2vec_envs.maze.geodesic import GeodesicOracle

from ..protocols.worlds import room_of
from .style import GOAL, figure, png

_GOALS, _PER_GOAL = 40, 100


def distance_pairs(agent: Any, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Learned D and true geodesic distance of random frame pairs, both (4000,) in steps: 40 goals, 100 starts each."""
    rng = np.random.default_rng(0)
    position = np.asarray(dataset.oracle_position, np.float64)
    oracle = GeodesicOracle(room_of(str(dataset.env_id)))
    goal_rows = rng.choice(len(position), min(_GOALS, len(position)), replace=False)
    rows = rng.integers(len(position), size=(len(goal_rows), _PER_GOAL))
    true = np.concatenate([oracle.distance(position[r], position[g]) for g, r in zip(goal_rows, rows, strict=True)])
    left, right = rows.ravel(), np.repeat(goal_rows, _PER_GOAL)
    learned = np.asarray(agent.distance(dataset.observations[left], dataset.observations[right]), np.float64)
    return learned, true


def calibration_figure(agent: Any, dataset: Dataset) -> tuple[bytes, dict[str, float]]:
    """D against the geodesic distance of random frame pairs.

    Returns:
        The picture, and ``correlation`` (Pearson) and, where pairs are truly more than twenty steps apart,
        ``far_ratio`` (their mean D over their mean geodesic).
    """
    learned, true = distance_pairs(agent, dataset)
    correlation = float(np.corrcoef(learned, true)[0, 1])
    top = float(max(learned.max(), true.max()))
    with figure(5.4, 4.6) as (drawing, (axis,)):
        cells = axis.hexbin(true, learned, gridsize=45, mincnt=1, bins="log", cmap="Blues", extent=(0, top, 0, top))
        axis.plot([0, top], [0, top], color=GOAL, linewidth=1, linestyle="--", label="D = geodesic")
        axis.set(xlabel="true geodesic distance (steps)", ylabel="learned D (steps)", aspect="equal")
        axis.set_title(f"correlation {correlation:.4f}, {len(true):,} pairs")
        axis.legend(loc="upper left")
        drawing.colorbar(cells, ax=axis, shrink=0.85).ax.set_title("pairs", fontsize=9, fontweight="normal")
        far = true > 20
        far_ratio = {"far_ratio": float(learned[far].mean() / true[far].mean())} if far.any() else {}
        return png(drawing), {"correlation": correlation, **far_ratio}
