"""Curves with intervals, a panel a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from .style import AGENT, SERIES, figure, png

_OURS = "plan2vec"
"""The curve that has the agent's colour in every figure."""


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
        like: label of the curve whose colour it has; empty for a colour of its own.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    faint: bool = False
    like: str = ""

    @classmethod
    def of_shares(cls, label: str, x: Sequence[float], shares: Iterable[dict[str, float]], **look: Any) -> Line:
        """In percent, from the ``value``, ``low`` and ``high`` of each point."""
        points = list(shares)
        y, low, high = ([100 * point[end] for point in points] for end in ("value", "low", "high"))
        return cls(label, x, y, low, high, **look)


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
    named = list(dict.fromkeys(line.like or line.label for panel in panels for line in panel.lines))
    others = [name for name in named if name != _OURS]
    color = {name: SERIES[i % len(SERIES)] for i, name in enumerate(others)} | {_OURS: AGENT}
    with figure(3.9 * len(panels), height, len(panels)) as (drawing, axes):
        handles = {}
        for axis, panel in zip(axes, panels, strict=True):
            for i, line in enumerate(panel.lines):
                under = 1 - i / len(panel.lines)  # what is drawn first is wider, so that it shows where curves agree
                own = color[line.like or line.label]
                (handles[line.label],) = axis.plot(
                    line.x, line.y, color=own, marker="o", markersize=3 + under, label=line.label,
                    linewidth=1.1 if line.faint else 1.4 + 0.9 * under, linestyle="--" if line.faint else "-",
                )  # fmt: skip
                if len(line.low):
                    axis.fill_between(line.x, line.low, line.high, color=own, alpha=0.13, linewidth=0)
            axis.set(xlabel=panel.x_label, ylabel=panel.y_label, title=panel.title)
            if panel.log_x:
                axis.set_xscale("log")
                _plain_ticks(axis.xaxis)
            elif max(max(line.x) for line in panel.lines) < 50:
                axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            if panel.log_y:
                axis.set_yscale("log")
                _plain_ticks(axis.yaxis)
            axis.grid(alpha=0.25, linewidth=0.6)
        drawing.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=2)
        return png(drawing)


def _plain_ticks(axis: Axis) -> None:
    """Numbers as people write them, as many as there is room for."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1, 3)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_locator(NullLocator())
