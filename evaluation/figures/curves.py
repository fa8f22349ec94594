"""Curves with intervals, a panel a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .style import ACCENT, AGENT, GOAL, INK, QUIET, WARM, figure, png

_COLORS = (AGENT, GOAL, WARM, ACCENT, "#8250df", INK, "#bf8700", "#cf6bb0", QUIET)


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        label: for the legend.
        x: (n,) positions.
        y: (n,) values.
        low: (n,) lower ends of the intervals; empty for none.
        high: (n,) upper ends.
        faint: whether it is drawn dashed and thin.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    faint: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that share axes."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False


def curves_figure(panels: Sequence[Panel], *, height: float = 3.8) -> bytes:
    """PNG of all panels side by side; a label has one colour in all of them, and the legend stands below once."""
    labels = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    color = {label: _COLORS[i % len(_COLORS)] for i, label in enumerate(labels)}
    with figure(3.9 * len(panels), height, len(panels)) as (drawing, axes):
        handles = {}
        for axis, panel in zip(axes, panels, strict=True):
            for line in panel.lines:
                (handles[line.label],) = axis.plot(
                    line.x, line.y, color=color[line.label], marker="o", markersize=3.5, label=line.label,
                    linewidth=1.1 if line.faint else 1.8, linestyle="--" if line.faint else "-",
                )  # fmt: skip
                if len(line.low):
                    axis.fill_between(line.x, line.low, line.high, color=color[line.label], alpha=0.13, linewidth=0)
            axis.set(xlabel=panel.x_label, ylabel=panel.y_label, title=panel.title)
            if panel.log_x:
                axis.set_xscale("log")
            if panel.log_y:
                axis.set_yscale("log")
            axis.grid(alpha=0.25, linewidth=0.6)
        drawing.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=2)
        return png(drawing)
