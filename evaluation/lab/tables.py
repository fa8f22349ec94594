"""A table as data, written as Markdown, HTML or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..report import html

KINDS = {"": "", "ours": "ours", "oracle": "soft", "paper": "soft", "privileged": "soft", "detail": "soft"}
"""Kind of a row -> its class on the page."""


@dataclass(frozen=True)
class Table:
    """Cells of text.

    Attributes:
        title: one line.
        head: names of the columns.
        rows: a kind (see `KINDS`) and the cells of each row.
        notes: sentences below.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    notes: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        for kind, cells in self.rows:
            if kind not in KINDS or len(cells) != len(self.head):
                raise ValueError(
                    f"a row of {self.title!r} has kind {kind!r} and {len(cells)} of {len(self.head)} cells"
                )

    def markdown(self) -> str:
        """GitHub's kind of table, notes below."""
        lines = [_line(self.head), "|" + "---|" * len(self.head)]
        lines += [_line(cells) for _, cells in self.rows]
        return "\n".join([*lines, *(f"\n{plain_markdown(note)}" for note in self.notes)])

    def html(self) -> str:
        """The table of a page, title above."""
        rows = [(KINDS[kind], cells) for kind, cells in self.rows]
        below = "".join(html.tag("p", note, "soft") for note in self.notes)
        return html.tag("h3", self.title) + html.table(self.head, rows) + below

    def csv(self) -> str:
        """Comma-separated, with the title and the kind in the first two columns."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["table", "kind", *self.head])
        writer.writerows([self.title, kind, *(c.replace("\n", " · ") for c in cells)] for kind, cells in self.rows)
        return buffer.getvalue()


def plain_markdown(text: str) -> str:
    """Text in which Markdown finds no element of HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(plain_markdown(cell).replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"
