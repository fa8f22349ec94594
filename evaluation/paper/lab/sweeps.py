"""Figures of lines over what is varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...figures.curves import Line, Panel, curves_figure
from .records import Figure


def sweep(
    name: str, caption: str, panels: Mapping[str, Sequence[Line]], x_label: str, *, height: float = 3.8, **look: Any
) -> Figure:
    """A panel for each title and its lines, success in percent over the same quantity in all.

    Args:
        name: of the file.
        caption: what to see in it.
        panels: titles and lines.
        x_label: what is varied.
        height: of the figure, in inches.
        look: other options of `Panel`.
    """
    look = {"y_label": "success, %"} | look
    drawn = [Panel(title, x_label, lines=lines, **look) for title, lines in panels.items()]
    return Figure(name, curves_figure(drawn, height=height), caption)
