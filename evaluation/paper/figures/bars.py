"""Success of every agent in every room: bars with intervals, and a point for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from ...figures.style import AGENT, INK, QUIET, WARM, figure, png

_COLORS = {"ours": AGENT, "": "#9fb3cf", "privileged": "#e3c08f", "oracle": "#d5dae3"}


@dataclass(frozen=True)
class Bar:
    """One row of a panel, in percent.

    Attributes:
        label: whose success.
        kind: "ours", "", "privileged" or "oracle"; decides the colour.
        value: the mean; None where there is no number.
        low: lower end of its interval.
        high: upper end.
        points: one for each seed.
        paper: the paper's number, if it has one.
    """

    label: str
    kind: str
    value: float | None
    low: float = 0.0
    high: float = 0.0
    points: Sequence[float] = ()
    paper: float | None = None


def bars_figure(panels: Sequence[tuple[str, Sequence[Bar]]]) -> bytes:
    """PNG of all panels side by side; they share their rows."""
    labels = [bar.label for bar in panels[0][1]]
    rows = np.arange(len(labels))
    with figure(3.0 + 2.1 * len(panels), 1.3 + 0.37 * len(labels), len(panels), sharey=True) as (drawing, axes):
        for axis, (title, bars) in zip(axes, panels, strict=True):
            for row, bar in zip(rows, bars, strict=True):
                if bar.value is None:
                    continue
                axis.barh(row, bar.value, height=0.68, color=_COLORS[bar.kind], zorder=1)
                error = [[max(0.0, bar.value - bar.low)], [max(0.0, bar.high - bar.value)]]
                axis.errorbar(bar.value, row, xerr=error, color=INK, linewidth=1.2, capsize=2.5, zorder=3)
                shift = np.linspace(-0.18, 0.18, len(bar.points)) * (len(bar.points) > 1)
                look = {"s": 11, "color": INK, "alpha": 0.55, "linewidths": 0}
                axis.scatter(bar.points, row + shift, zorder=4, label="one seed", **look)
                if bar.paper is not None:
                    look = {"marker": "D", "s": 34, "color": "white", "edgecolors": WARM, "linewidths": 1.6}
                    axis.scatter(bar.paper, row, zorder=5, label="the paper", **look)
            axis.set(title=title, xlabel="success, %", xlim=(0, 103), xticks=range(0, 101, 25))
            axis.grid(axis="x", alpha=0.3, linewidth=0.6, color=QUIET)
            axis.set_axisbelow(True)
            axis.tick_params(axis="y", length=0)
        axes[0].set_yticks(rows, ["\n".join(wrap(label, 26)) for label in labels], fontsize=10)
        axes[0].invert_yaxis()
        handles = {
            text: handle for axis in axes for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        drawing.legend(list(handles.values()), list(handles), loc="outside lower right", ncols=len(handles))
        return png(drawing)
