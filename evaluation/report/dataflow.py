"""The data-flow figure: what turns into what, with the numbers of this run, as inline SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Box:
    """One step of the method: its name and two short lines under it."""

    name: str
    first: str
    second: str


_WIDTH, _HEIGHT, _GAP = 150, 92, 30


def dataflow_svg(boxes: list[Box], *, vertical: bool) -> str:
    """Boxes joined by arrows, left to right or top to bottom; colours come from the page's style sheet."""
    wide = 2 * _WIDTH if vertical else _WIDTH
    step_x, step_y = (0, _HEIGHT + _GAP) if vertical else (wide + _GAP, 0)
    last = len(boxes) - 1
    size = f"{last * step_x + wide + 4} {last * step_y + _HEIGHT + 4}"
    label = escape(", then ".join(box.name for box in boxes))
    parts = [
        f'<svg class="flow {"tall" if vertical else "wide"}" viewBox="0 0 {size}" role="img" '
        f'aria-label="Data flow: {label}">'
    ]
    for i, box in enumerate(boxes):
        x, y = 2 + i * step_x, 2 + i * step_y
        parts.append(f'<rect class="box" x="{x}" y="{y}" width="{wide}" height="{_HEIGHT}" rx="10"/>')
        lines = (("name", 30, box.name), ("note", 54, box.first), ("note", 71, box.second))
        parts += [f'<text class="{kind}" x="{x + wide // 2}" y="{y + dy}">{escape(s)}</text>' for kind, dy, s in lines]
        if i < last:
            parts.append(f'<path class="arrow" d="{_arrow(x, y, wide, vertical)}"/>')
    return "".join([*parts, "</svg>"])


def _arrow(x: int, y: int, wide: int, vertical: bool) -> str:
    if vertical:
        return f"M{x + wide // 2} {y + _HEIGHT + 4}v{_GAP - 9}m-5 -6l5 6l5 -6"
    return f"M{x + wide + 4} {y + _HEIGHT // 2}h{_GAP - 9}m-6 -5l6 5l-6 5"
