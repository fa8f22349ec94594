"""Finished experiments as HTML and Markdown, from what their folders hold: one on a page, or all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from plan2vec_envs.io.files import atomic_write

from ...errors import ResultsError
from ...protocols.results import read_json
from ...protocols.worlds import short_name
from ...report.html import page, picture, tag, terms
from ...report.published import SPREAD_READING, TABLE_1, TABLE_5
from ...report.tables import Table, plain_markdown

_NOT_COMPARABLE = "{preset} run: shows that everything works, not for comparison"
_RESULTS, _PAGE, _TEXT = "results.json", "report.html", "report.md"
_HEADING = "plan2vec, reproduced"
_LEAD = (
    "The tables and figures of the paper, made again by one command each. Intervals are over training seeds and the "
    "same fixed tasks for every agent; nothing is a best run. The paper's own numbers stand beside ours."
)


@dataclass(frozen=True)
class Finished:
    """A finished experiment.

    Attributes:
        folder: where its pictures are.
        record: its `results.json`: the summary, and under ``report`` everything that a page shows.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def title(self) -> str:
        """One line."""
        return str(self.record["report"]["title"])

    @property
    def stamp(self) -> str:
        """That its numbers prove nothing, where that is so."""
        return "" if self.record["comparable"] else _NOT_COMPARABLE.format(preset=self.record["preset"])

    @property
    def tables(self) -> list[Table]:
        """As they were published."""
        return [
            Table(t["title"], t["head"], [(kind, cells) for kind, cells in t["rows"]], t["notes"])
            for t in self.record["report"]["tables"]
        ]

    @property
    def figures(self) -> list[dict[str, Any]]:
        """``name``, ``caption`` and ``narrow`` of each picture; a name never leads out of the folder."""
        return [{**figure, "name": Path(figure["name"]).name} for figure in self.record["report"]["figures"]]


def finished(folder: Path) -> Finished | None:
    """The experiment of a folder; None if the folder holds none.

    Raises:
        ResultsError: if its results are damaged, or written by another version.
    """
    file = folder / _RESULTS
    record = read_json(file) if file.is_file() else {}
    if "experiment" not in record:
        return None
    if "report" not in record:
        raise ResultsError(f"{file} is of another version; run its command again: {record.get('command', '?')}")
    return Finished(folder, record)


def all_finished(root: Path) -> list[Finished]:
    """The experiments in the folders below a folder, tables first, then figures by number."""
    found = [entry for file in root.glob(f"*/{_RESULTS}") if (entry := finished(file.parent))]
    return sorted(found, key=lambda entry: _order(entry.folder.name))


def write_page(entry: Finished) -> Path:
    """Writes page and Markdown of one experiment into its folder; returns the path of the page."""
    write_bytes(entry.folder / _TEXT, f"# {plain_markdown(entry.title)}\n\n{_markdown(entry)}\n".encode())
    body = [tag("p", _HEADING, "eyebrow"), tag("h1", entry.title), _section(entry, heading=False)]
    return write_bytes(entry.folder / _PAGE, page(entry.title, body).encode())


def write_combined(root: Path, entries: Sequence[Finished]) -> Path:
    """Writes one page and one Markdown file of many experiments into a folder; returns the path of the page."""
    paper = "The paper's numbers"
    contents = ""
    for e in entries:
        small = " " + tag("small", f"{e.record['preset']}, not for comparison") if e.stamp else ""
        contents += f'<li><a href="#{_anchor(e)}">{escape(e.title)}</a>{small}</li>'
    links = f'<nav class="toc"><ol>{contents}<li><a href="#paper">{escape(paper)}</a></li></ol></nav>'
    numbers = f'<section id="paper">{tag("h2", paper)}{_paper().html()}</section>'
    body = [tag("h1", _HEADING), tag("p", _LEAD, "lead"), links, *(_section(entry) for entry in entries), numbers]
    toc = "\n".join(f"- [{_link(e.title)}](#{_anchor(e)}){f' ({e.stamp})' if e.stamp else ''}" for e in entries)
    parts = [
        f'<a id="{_anchor(e)}"></a>\n\n## {plain_markdown(e.title)}\n\n{_markdown(e, e.folder.name + "/")}'
        for e in entries
    ]
    text = "\n\n".join([f"# {_HEADING}", _LEAD, toc, *parts, f"## {paper}\n\n{_paper().markdown()}"])
    write_bytes(root / _TEXT, f"{text}\n".encode())
    return write_bytes(root / _PAGE, page(_HEADING, body).encode())


def how(summary: dict[str, Any]) -> str:
    """One line: hardware, versions, date, commit."""
    hardware, sha = summary["hardware"], summary["commit"].get("sha")
    device = f", {hardware['gpu']}" if hardware.get("gpu") else ""
    return (
        f"{hardware['cpu']}{device}, one thread a run, {summary['jobs']} at once; "
        f"torch {summary['versions']['torch']}, {summary['date']}{f', commit {sha[:10]}' if sha else ''}."
    )


def tables_and_provenance(tables: Sequence[Table], summary: dict[str, Any]) -> str:
    """Markdown: tables, command, hardware, versions, commit."""
    parts = []
    for table in tables:
        parts += [f"*{plain_markdown(table.title)}*\n" if len(tables) > 1 else "", table.markdown(), ""]
    if isinstance(summary.get("seeds"), int) and not any("seeds" in note for table in tables for note in table.notes):
        parts += [f"{summary['seeds']} data-and-training seeds.", ""]
    stamp = "" if summary["comparable"] else _NOT_COMPARABLE.format(preset=summary["preset"]) + ". "
    return "\n".join([*parts, f"`{summary['command']}`", "", stamp + how(summary)]).strip()


def _section(entry: Finished, *, heading: bool = True) -> str:
    report = entry.record["report"]
    shown = [picture(entry.folder / f["name"], f["caption"], f["caption"], narrow=f["narrow"]) for f in entry.figures]
    settings = json.dumps(report["configuration"], indent=1, sort_keys=True)
    return "".join(
        [
            f'<section id="{_anchor(entry)}">',
            tag("h2", entry.title) if heading else "",
            tag("p", entry.stamp, "eyebrow") if entry.stamp else "",
            tag("p", report["about"], "soft"),
            *(table.html() for table in entry.tables),
            *shown,
            f"<details><summary>How to repeat it</summary>{tag('pre', entry.record['command'])}",
            terms(_provenance(entry.record)),
            f"</details><details><summary>All settings</summary>{tag('pre', settings)}</details></section>",
        ]
    )


def _provenance(record: dict[str, Any]) -> list[tuple[str, str]]:
    report, commit, hardware = record["report"], record["commit"], record["hardware"]
    changed = " with uncommitted changes" if commit.get("dirty") else ""
    found = [
        ("preset", f"{record['preset']}, {record['tasks']} tasks"),
        ("seeds", ", ".join(map(str, report["seeds"])) or "none"),
        ("commit", f"{commit.get('sha') or 'not a git checkout'}{changed}"),
        (
            "processor",
            f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['system']}; {record['jobs']} processes",
        ),
        ("accelerator", str(hardware.get("gpu") or "none")),
        ("versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items())),
        ("date", record["date"]),
    ]
    datasets = "; ".join(f"{name}: {fingerprint[:16]}" for name, fingerprint in report["datasets"].items())
    return [*found, ("datasets, first digits of the fingerprints", datasets)] if datasets else found


def _markdown(entry: Finished, prefix: str = "") -> str:
    """The experiment below its title; pictures are linked, relative to where the text will lie."""
    pictures = [
        f"![{_link(f['caption'])}]({prefix}{f['name']})\n\n{plain_markdown(f['caption'])}" for f in entry.figures
    ]
    details = "\n".join(f"- {name}: {plain_markdown(value)}" for name, value in _provenance(entry.record))
    about = plain_markdown(str(entry.record["report"]["about"]))
    return "\n\n".join([about, tables_and_provenance(entry.tables, entry.record), *pictures, details])


def _paper() -> Table:
    """The numbers that the paper prints, with our reading of its ±."""
    rows = [
        ("paper", ["Table 1", row, short_name(env_id), "success rate (%)", text])
        for row, numbers in TABLE_1.items()
        for env_id, text in numbers.items()
    ]
    rows += [
        ("paper", ["Table 5", f"{split} split", short_name(env_id), "accuracy (%)", printed])
        for env_id, splits in TABLE_5.items()
        for split, printed in splits.items()
    ]
    return Table("As printed", ["", "row", "room", "quantity", "value"], rows, [SPREAD_READING])


def _anchor(entry: Finished) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", entry.folder.name).lower()


def _order(name: str) -> list[tuple[int, int, str]]:
    """`table1` before `fig3` before `fig10` before anything else."""
    first = {"table": 0, "fig": 1}
    words = re.findall(r"\d+|[a-z]+", name.lower())
    return [(first.get(word, 2), int(word) if word.isdigit() else 0, word) for word in words]


def _link(text: str) -> str:
    """Text that may stand between the brackets of a link."""
    return plain_markdown(text).replace("[", "\\[").replace("]", "\\]")


def write_bytes(path: Path, data: bytes) -> Path:
    """A whole file or none; returns its path."""
    with atomic_write(path) as file:
        file.write(data)
    return path
