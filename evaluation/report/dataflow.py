"""The data-flow figure: what turns into what, with the numbers of this run, as inline SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Box:
    """One step of the method: its name, one line under it, and what flows out of it."""

    name: str
    note: str
    out: str = ""


_WIDTH, _HEIGHT, _GAP = 148, 74, 34


def dataflow_svg(boxes: list[Box], *, vertical: bool) -> str:
    """Boxes joined by arrows, left to right or top to bottom; colours come from the page's style sheet."""
    step_x, step_y = (0, _HEIGHT + _GAP) if vertical else (_WIDTH + _GAP, 0)
    wide = 300 if vertical else _WIDTH
    total_x = wide + 4 if vertical else len(boxes) * step_x - _GAP + 4
    total_y = len(boxes) * step_y - _GAP + 4 if vertical else _HEIGHT + 30
    parts = [
        f'<svg class="flow {"tall" if vertical else "wide"}" viewBox="0 0 {total_x} {total_y}" role="img" '
        f'aria-label="Data flow: {escape(", then ".join(box.name for box in boxes))}">'
    ]
    for i, box in enumerate(boxes):
        x, y = 2 + i * step_x, 2 + i * step_y
        parts.append(f'<rect class="box" x="{x}" y="{y}" width="{wide}" height="{_HEIGHT}" rx="10"/>')
        parts.append(_text(x + wide / 2, y + 31, box.name, "name"))
        parts.append(_text(x + wide / 2, y + 52, box.note, "note"))
        if i + 1 < len(boxes):
            parts.append(_arrow(x, y, wide, box.out, vertical))
    return "".join([*parts, "</svg>"])


def _arrow(x: float, y: float, wide: float, label: str, vertical: bool) -> str:
    if vertical:
        middle, top = x + wide / 2, y + _HEIGHT
        line = f"M{middle} {top + 3}V{top + _GAP - 4}m-5 -6l5 6l5 -6"
        return f'<path class="arrow" d="{line}"/>' + _text(middle + 12, top + 21, label, "out left")
    left, middle = x + wide, y + _HEIGHT / 2
    line = f"M{left + 4} {middle}H{left + _GAP - 5}m-6 -5l6 5l-6 5"
    return f'<path class="arrow" d="{line}"/>' + _text(left + _GAP / 2, y + _HEIGHT + 21, label, "out")


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>' if text else ""
