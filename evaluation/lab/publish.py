"""Writes what an experiment found: results.json, results.csv, report.md and a page that needs no network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from data_collection.files import atomic_write

from .. import environment
from ..report.html import picture, tag, terms
from ..report.style import CSS
from ..results import write_json
from .experiment import Experiment, Figure, Found
from .plan import Plan
from .runner import FORMAT
from .tables import Table

_NOT_COMPARABLE = "{preset} run: shows that everything works, not for comparison"


def summary_of(experiment: Experiment, found: Found, plan: Plan, command: str, jobs: int) -> dict[str, Any]:
    """The experiment's own summary, and how it was made."""
    preset = plan.preset
    return {
        "experiment": experiment.id,
        "format": FORMAT,
        "preset": preset.name,
        "comparable": preset.comparable,
        "tasks": preset.tasks,
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "hardware": environment.hardware(plan.device),
        "jobs": jobs,
        "versions": environment.versions(),
        "commit": environment.commit(),
        **experiment.summarise(found, plan),
    }


def tables_of(experiment: Experiment, summary: dict[str, Any]) -> list[Table]:
    """The experiment's tables; rows that prove nothing say so."""
    tables = experiment.tables(summary)
    if summary["comparable"]:
        return tables
    stamp = f" · {summary['preset']}, not for comparison"

    def stamped(table: Table) -> Table:
        rows = [(kind, row if kind == "paper" else [row[0] + stamp, *row[1:]]) for kind, row in table.rows]
        return Table(table.title, table.head, rows, table.notes)

    return [stamped(table) for table in tables]


def how(summary: dict[str, Any]) -> str:
    """One line: hardware, versions, date, commit."""
    hardware, sha = summary["hardware"], summary["commit"].get("sha")
    device = f", {hardware['gpu']}" if hardware.get("gpu") else ""
    return (
        f"{hardware['cpu']}{device}, one thread a run, {summary['jobs']} at once; "
        f"torch {summary['versions']['torch']}, {summary['date']}{f', commit {sha[:10]}' if sha else ''}."
    )


def markdown_of(experiment: Experiment, summary: dict[str, Any]) -> str:
    """Tables, command and provenance, as they stand in the README."""
    parts = []
    tables = tables_of(experiment, summary)
    for table in tables:
        parts += [f"*{table.title}*\n" if len(tables) > 1 else "", table.markdown(), ""]
    stamp = "" if summary["comparable"] else _NOT_COMPARABLE.format(preset=summary["preset"]) + ". "
    return "\n".join([*parts, f"`{summary['command']}`", "", stamp + how(summary)]).strip()


def publish(experiment: Experiment, found: Found, summary: dict[str, Any], folder: Path) -> list[Figure]:
    """Writes everything into the experiment's folder; returns its figures."""
    figures, tables = experiment.figures(found, summary), tables_of(experiment, summary)
    write_json(folder / "results.json", summary)
    _write(folder / "results.csv", "".join(table.csv() for table in tables))
    for figure in figures:
        _write(folder / figure.name, figure.data)
    pictures = "\n\n".join(f"![{figure.caption}]({figure.name})" for figure in figures)
    text = f"# {experiment.title}\n\n{experiment.about}\n\n{markdown_of(experiment, summary)}\n\n{pictures}\n"
    _write(folder / "report.md", text)
    _write(folder / "report.html", page(experiment.title, [section(experiment, summary, folder, figures)]))
    return figures


def section(experiment: Experiment, summary: dict[str, Any], folder: Path, figures: Sequence[Figure]) -> str:
    """One experiment on a page."""
    stamp = "" if summary["comparable"] else tag("p", _NOT_COMPARABLE.format(preset=summary["preset"]), "eyebrow")
    shown = [picture(folder / f.name, f.caption, f.caption, narrow=f.narrow) for f in figures]
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    made = terms([("command", summary["command"]), ("made on", how(summary)), ("versions", versions)])
    return "".join(
        [
            f'<section id="{escape(experiment.id)}">',
            tag("h2", experiment.title),
            stamp,
            tag("p", experiment.about, "soft"),
            *(table.html() for table in tables_of(experiment, summary)),
            *shown,
            f"<details><summary>How to repeat it</summary>{made}</details></section>",
        ]
    )


def page(heading: str, sections: Sequence[str]) -> str:
    """A self-contained page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)}</title><style>{CSS}</style></head><body><main>"
        f"{tag('p', 'plan2vec, reproduced', 'eyebrow')}{tag('h1', heading)}{''.join(sections)}</main></body></html>\n"
    )


def _write(path: Path, data: str | bytes) -> None:
    with atomic_write(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)
