"""A table as data, written as Markdown, HTML or CSV, or shown on a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import html

if TYPE_CHECKING:
    from rich.console import Console

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

    def show(self, console: Console) -> None:
        """On a terminal, without notes."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table as Printed

        printed = Printed(title=self.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for i, name in enumerate(self.head):
            printed.add_column(name, justify="left" if i == 0 else "right")
        for _, row in self.rows:
            printed.add_row(*row)
        console.print(printed)

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
