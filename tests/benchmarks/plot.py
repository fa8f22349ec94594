"""Seconds over size of all that the benches measured at several sizes, a panel a bench, on logarithmic axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

from evaluation.figures.style import SERIES, grid, png

from .page import Series, series_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3


def panels_of(entries: dict[str, dict[str, Any]]) -> dict[str, list[Series]]:
    """Title -> series with an exponent, from the last entry of each bench; a panel for each kind of size."""
    panels: dict[str, list[Series]] = {}
    for bench, entry in entries.items():
        for series in series_of(entry["benches"][bench]):
            if series.exponent is not None and series.seconds():
                panels.setdefault(f"{bench}, over {series.of}", []).append(series)
    return panels


def speed_figure(entries: dict[str, dict[str, Any]]) -> bytes:
    """PNG of the panels; the legend of each has the exponents, the slowest first."""
    panels = panels_of(entries)
    rows = max(1, -(-len(panels) // _COLUMNS))
    with grid(4.1 * _COLUMNS, 4.4 * rows, rows, _COLUMNS) as (drawing, axes):
        drawing.set_layout_engine("constrained", h_pad=0.12)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        for axis, (title, lines) in zip(axes.flat, panels.items(), strict=False):
            _draw(axis, title, sorted(lines, key=lambda series: -series.seconds()[-1]))
        return png(drawing)


def _draw(axis: Axes, title: str, lines: list[Series]) -> None:
    for index, series in enumerate(lines):
        sizes = [size for size, _ in series.points]
        label = f"{series.name}   $N^{{{series.exponent:.2f}}}$"
        color = SERIES[index % len(SERIES)]
        axis.plot(sizes, series.seconds(), color=color, marker="o", markersize=4, linewidth=1.6, label=label)
    axis.set(xscale="log", yscale="log", title=title, ylabel="time of one")
    axis.xaxis.set_major_locator(FixedLocator([size for size, _ in lines[0].points]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(LogLocator(numticks=9))
    axis.yaxis.set_major_formatter(EngFormatter(unit="s"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.grid(alpha=0.25, linewidth=0.6)
    axis.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.1), fontsize=9, handlelength=1.4, labelspacing=0.35)
