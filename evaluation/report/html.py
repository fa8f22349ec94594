"""Small pieces of HTML, and the data flow as inline SVG; every text that goes in is escaped here and nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from .style import CSS

_MIME = {".png": "image/png", ".gif": "image/gif"}
_NARROW = 1000  # pixels
_BOX_WIDTH, _BOX_HEIGHT, _ARROW = 150, 92, 30


def page(heading: str, body: Sequence[str]) -> str:
    """A self-contained page of these elements."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)}</title><style>{CSS}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def tag(name: str, text: str, css: str = "") -> str:
    """An element around escaped text."""
    opening = f'{name} class="{css}"' if css else name
    return f"<{opening}>{escape(text)}</{name}>"


def picture(path: Path, alt: str, caption: str, *, narrow: bool = False) -> str:
    """A figure with its image inside the page; nothing for a picture that was not drawn.

    On a phone a wide PNG scrolls sideways, so that its text stays readable; a narrow one fits the screen, and is not
    blown up on a large one.
    """
    if not path.is_file():
        return ""
    data = path.read_bytes()
    source = f"data:{_MIME[path.suffix]};base64,{base64.b64encode(data).decode()}"
    is_png = path.suffix == ".png"
    pixels = int.from_bytes(data[16:20], "big") if is_png else 0  # the width stands there in every PNG
    css = "narrow" if narrow or (is_png and pixels <= _NARROW) else "wide" if is_png else "moving"
    image = f'<div class="scroll"><img src="{source}" alt="{escape(alt)}"></div>'
    return f'<figure class="{css}">{image}{tag("figcaption", caption)}</figure>'


def table(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, prose: bool = False) -> str:
    """A table that scrolls sideways on a narrow screen; a row is its class and its cells.

    A line break in a cell puts what follows in small print below. With `prose` the last column is text that wraps.
    """
    top = "".join(tag("th", cell) for cell in head)
    body = "".join(f'<tr class="{escape(css)}">' + "".join(map(_cell, cells)) + "</tr>" for css, cells in rows)
    css = ' class="prose"' if prose else ""
    return f'<div class="scroll"><table{css}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    first, _, rest = text.partition("\n")
    return "<td>" + escape(first) + (tag("small", rest) if rest else "") + "</td>"


def tiles(items: Sequence[tuple[str, str]]) -> str:
    """Headline numbers, each with what it counts."""
    cells = "".join("<div>" + tag("b", number) + tag("span", what) + "</div>" for number, what in items)
    return f'<div class="tiles">{cells}</div>'


def terms(items: Sequence[tuple[str, str]]) -> str:
    """Names and values."""
    return "<dl>" + "".join(tag("dt", name) + tag("dd", value) for name, value in items) + "</dl>"


def dataflow_svg(boxes: Sequence[tuple[str, str, str]], *, vertical: bool) -> str:
    """Boxes joined by arrows, left to right or top to bottom; colours come from the page's style sheet.

    Args:
        boxes: the name of each step of the method, and two short lines under it.
        vertical: whether they stand above each other.
    """
    wide = 2 * _BOX_WIDTH if vertical else _BOX_WIDTH
    step_x, step_y = (0, _BOX_HEIGHT + _ARROW) if vertical else (wide + _ARROW, 0)
    last = len(boxes) - 1
    size = f"{last * step_x + wide + 4} {last * step_y + _BOX_HEIGHT + 4}"
    label = escape(", then ".join(name for name, _, _ in boxes))
    parts = [
        f'<svg class="flow {"tall" if vertical else "wide"}" viewBox="0 0 {size}" role="img" '
        f'aria-label="Data flow: {label}">'
    ]
    for i, texts in enumerate(boxes):
        x, y = 2 + i * step_x, 2 + i * step_y
        parts.append(f'<rect class="box" x="{x}" y="{y}" width="{wide}" height="{_BOX_HEIGHT}" rx="10"/>')
        for (kind, down), text in zip((("name", 30), ("note", 54), ("note", 71)), texts, strict=True):
            parts.append(f'<text class="{kind}" x="{x + wide // 2}" y="{y + down}">{escape(text)}</text>')
        arrow = (
            f"M{x + wide // 2} {y + _BOX_HEIGHT + 4}v{_ARROW - 9}m-5 -6l5 6l5 -6"
            if vertical
            else f"M{x + wide + 4} {y + _BOX_HEIGHT // 2}h{_ARROW - 9}m-6 -5l6 5l-6 5"
        )
        if i < last:
            parts.append(f'<path class="arrow" d="{arrow}"/>')
    return "".join([*parts, "</svg>"])
