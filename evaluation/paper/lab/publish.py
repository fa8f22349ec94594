"""Writes what an experiment found: results.json, results.csv, report.md and a page that needs no network."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ...errors import ResultsError
from ...protocols.results import read_json, write_json
from ...protocols.worlds import short_name
from ...report.tables import Table
from ...runs import environment
from .experiment import Experiment
from .pages import Finished, tables_and_provenance, write_bytes, write_page
from .plan import Plan
from .records import Found
from .runner import FORMAT
from .workbench import Source


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
    stamp = f"\n{summary['preset']}, not for comparison"
    stamped = [
        [(kind, row if kind == "paper" else [row[0] + stamp, *row[1:]]) for kind, row in table.rows] for table in tables
    ]
    return [replace(table, rows=rows) for table, rows in zip(tables, stamped, strict=True)]


def markdown_of(experiment: Experiment, summary: dict[str, Any], words: str = "") -> str:
    """Tables whose titles contain these words, command and provenance, as they stand in the README.

    Raises:
        ResultsError: if there is no such table.
    """
    tables = [table for table in tables_of(experiment, summary) if words in table.title]
    if not tables:
        raise ResultsError(f"no table of {experiment.id} has {words!r} in its title")
    return tables_and_provenance(tables, summary)


def publish(experiment: Experiment, found: Found, summary: dict[str, Any], folder: Path) -> Path:
    """Writes everything into the experiment's folder; returns the path of the page.

    `results.json` is the summary, and under ``report`` what the pages show beside it, so that they can be written
    again, and together with those of other experiments, by any version that reads the format.
    """
    figures, tables = experiment.figures(found, summary), tables_of(experiment, summary)
    for figure in figures:
        write_bytes(folder / figure.name, figure.data)
    write_bytes(folder / "results.csv", "".join(table.csv() for table in tables).encode())
    report = {
        "title": experiment.title,
        "about": experiment.about,
        "tables": [asdict(table) for table in tables],
        "figures": [{key: getattr(figure, key) for key in ("name", "caption", "narrow")} for figure in figures],
        "seeds": sorted({run.params["seed"] for run, _ in found if "seed" in run.params}),
        "datasets": _fingerprints(found, folder.parent),
        "configuration": _configuration(found),
    }
    record = {**summary, "report": report}
    write_json(folder / "results.json", record)
    return write_page(Finished(folder, record))


def _configuration(found: Found) -> dict[str, Any]:
    """Methods -> their configuration; of one that varies over the runs, each variant."""
    variants: dict[str, list[Any]] = {}
    for run, _ in found:
        if who := run.params.get("method"):
            known = variants.setdefault(who["key"], [])
            if who["config"] not in known:
                known.append(who["config"])
    return {key: known[0] if len(known) == 1 else known for key, known in variants.items()}


def _fingerprints(found: Found, root: Path) -> dict[str, str]:
    """Datasets -> fingerprints, from the runs, or from the agents that were fitted on them."""
    by_source: dict[Source, str] = {}
    for run, result in found:
        if not {"env_id", "size", "seed"} <= run.params.keys():
            continue
        source = Source.of(run.params)
        if "fingerprint" in result:
            by_source[source] = result["fingerprint"]
        elif source not in by_source:
            for file in sorted((root / "agents" / source.folder).glob("*/agent/agent.json"))[:1]:
                by_source[source] = read_json(file)["dataset_fingerprint"]
    return {f"{short_name(s.env_id)} {s.obs_type} {s.size} seed {s.seed}": text for s, text in by_source.items()}
