"""What the local metric says, against the truth, and where it draws the line (the paper's Fig. 10a)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...figures.style import AGENT, GOAL, INK, PAPER, figure, png


@dataclass(frozen=True)
class LocalScores:
    """Pairs of frames.

    Attributes:
        title: of the panel.
        true: (K,) geodesic distance, in steps.
        score: (K,) local metric d, in steps.
        threshold: at or below it a pair counts as neighbours.
    """

    title: str
    true: np.ndarray
    score: np.ndarray
    threshold: float


def local_figure(panels: Sequence[LocalScores]) -> bytes:
    """PNG: d against true distance, found neighbours red under the line of the threshold."""
    with figure(3.1 * len(panels) + 0.4, 3.7, len(panels), sharey=True) as (drawing, axes):
        for axis, shown in zip(axes, panels, strict=True):
            found = shown.score <= shown.threshold
            for mask, color, label in ((~found, AGENT, "other pairs"), (found, GOAL, "taken for neighbours")):
                axis.scatter(
                    shown.true[mask], shown.score[mask], s=6, color=color, alpha=0.45, linewidths=0, label=label
                )
            axis.axhline(shown.threshold, color=INK, linewidth=1, linestyle="--")
            axis.text(
                0.985, shown.threshold - 0.06, f"threshold {shown.threshold:.2f}", ha="right", va="top",
                transform=axis.get_yaxis_transform(), bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
            )  # fmt: skip
            axis.set(title=shown.title, xlabel="true distance, steps")
            axis.set_xlim(left=-0.3)
            axis.grid(alpha=0.25, linewidth=0.6)
        axes[0].set_ylabel("local metric d")
        axes[0].set_ylim(bottom=-0.05)
        handles, labels = axes[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower center", ncols=2, markerscale=2.5)
        return png(drawing)
