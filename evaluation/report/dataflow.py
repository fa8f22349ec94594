"""The data-flow figure: what turns into what, with the numbers of this run, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _GAP = 150, 92, 30


def dataflow_svg(boxes: Sequence[tuple[str, str, str]], *, vertical: bool) -> str:
    """Boxes joined by arrows, left to right or top to bottom; colours come from the page's style sheet.

    Args:
        boxes: the name of each step of the method, and two short lines under it.
        vertical: whether they stand above each other.
    """
    wide = 2 * _WIDTH if vertical else _WIDTH
    step_x, step_y = (0, _HEIGHT + _GAP) if vertical else (wide + _GAP, 0)
    last = len(boxes) - 1
    size = f"{last * step_x + wide + 4} {last * step_y + _HEIGHT + 4}"
    label = escape(", then ".join(name for name, _, _ in boxes))
    parts = [
        f'<svg class="flow {"tall" if vertical else "wide"}" viewBox="0 0 {size}" role="img" '
        f'aria-label="Data flow: {label}">'
    ]
    for i, texts in enumerate(boxes):
        x, y = 2 + i * step_x, 2 + i * step_y
        parts.append(f'<rect class="box" x="{x}" y="{y}" width="{wide}" height="{_HEIGHT}" rx="10"/>')
        for (kind, down), text in zip((("name", 30), ("note", 54), ("note", 71)), texts, strict=True):
            parts.append(f'<text class="{kind}" x="{x + wide // 2}" y="{y + down}">{escape(text)}</text>')
        arrow = (
            f"M{x + wide // 2} {y + _HEIGHT + 4}v{_GAP - 9}m-5 -6l5 6l5 -6"
            if vertical
            else f"M{x + wide + 4} {y + _HEIGHT // 2}h{_GAP - 9}m-6 -5l6 5l-6 5"
        )
        if i < last:
            parts.append(f'<path class="arrow" d="{arrow}"/>')
    return "".join([*parts, "</svg>"])
