"""Benchmark summaries as Markdown tables, written between markers in the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from data_collection.files import atomic_write

from .benchmark_seed import flags
from .errors import ResultsError
from .paper import paper_number
from .results import read_json
from .stats import wilson

_BLOCK = re.compile(r"(<!-- results:(?P<name>[A-Za-z0-9._-]+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def render_readme(readme: Path, results: Path) -> list[str]:
    """Rewrites every marked table of a Markdown file; returns the names of those written.

    Raises:
        ResultsError: if a marked table has no results file; nothing is written then.
    """
    written: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        file = results / f"{name}.json"
        if not file.is_file():
            raise ResultsError(f"{readme} asks for results:{name}, but {file} does not exist; run the benchmark first")
        written.append(name)
        return f"{match[1]}{table(read_json(file))}\n{match[3]}"

    text = _BLOCK.sub(fill, readme.read_text(encoding="utf-8"))
    with atomic_write(readme) as out:
        out.write(text.encode())
    return written


def table(summary: dict[str, Any]) -> str:
    """One summary: a row a protocol, a column a room, the paper below, then how it was made."""
    rooms = summary["rooms"]
    names = list(next(iter(rooms.values()))["rows"])
    lines = [
        f"| success, % | {' | '.join(_room_name(env_id) for env_id in rooms)} |",
        f"|---|{'---|' * len(rooms)}",
    ]
    for name in names:
        found = [room["rows"][name] for room in rooms.values()]
        lines.append(f"| {found[0]['label']} | {' | '.join(_percent(_interval(row)) for row in found)} |")
        if any(row["blocked_mean"] for row in found) and name != "random":
            cells = [_percent(_interval(row, blocked=True)) for row in found]
            lines.append(f"| – on tasks whose straight line is blocked | {' | '.join(cells)} |")
    for agent in ("plan2vec", "random"):
        numbers = [paper_number(agent, env_id) for env_id in rooms]
        if all(numbers):
            lines.append(f"| paper, Table 1, {numbers[0].row} | {' | '.join(str(n) for n in numbers)} |")  # type: ignore[union-attr]
    return "\n".join([*lines, "", *_notes(summary)])


def _notes(summary: dict[str, Any]) -> list[str]:
    seeds, hardware, commit = len(summary["seeds"]), summary["hardware"], summary["commit"].get("sha")
    notes = [
        f"`{summary['command']}`",
        "",
        f"{seeds} data-and-training seeds × {summary['tasks']} tasks, {summary['size']} rollouts × steps; mean "
        "[95 % stratified bootstrap over seeds within tasks; Wilson for a single run, and where "
        "every run is alike, since a bootstrap cannot see beyond what happened]. "
        f"{hardware['cpu']}, one thread a run, {summary['jobs']} at once; torch {summary['versions']['torch']}, "
        f"{summary['date']}{f', commit {commit[:10]}' if commit else ''}.",
    ]
    seconds = [_seconds(env_id, room["stages"]) for env_id, room in summary["rooms"].items()]
    notes += ["", "Seconds of learning, wall (CPU), mean over seeds: " + "; ".join(seconds) + "."]
    latency = [
        f"{_room_name(env_id)} {1e3 * room['decision_seconds']:.2f}" for env_id, room in summary["rooms"].items()
    ]
    notes[-1] += f" Milliseconds a decision, one picture at a time, median: {', '.join(latency)}."
    for env_id, room in summary["rooms"].items():
        if room["corridor"]:
            learned, true = room["corridor"]["learned"], room["corridor"]["geodesic"]
            notes += [
                "",
                f"{_room_name(env_id)}, across the wall at its closed end against equally near points in the open: "
                f"{sum(learned) / len(learned):.2f} times as far in the embedding ({min(learned):.2f} to "
                f"{max(learned):.2f} over seeds), truly {true[0]:.2f}.",
            ]
    return notes


def _interval(row: dict[str, Any], *, blocked: bool = False) -> dict[str, float] | None:
    """A row's interval; Wilson over all attempts where resampling has nothing to vary."""
    interval = row["blocked_mean" if blocked else "mean"]
    if interval is None or interval["low"] < interval["high"]:
        return interval
    success = np.stack([flags(run) for run in row["success_02"]])
    chosen = np.stack([flags(run) for run in row["blocked"]]) if blocked else np.ones(1, bool)
    return vars(wilson(success[np.broadcast_to(chosen, success.shape)]))


def _seconds(env_id: str, stages: list[dict[str, Any]]) -> str:
    wall, cpu = (sum(stage[kind] for stage in stages) for kind in ("wall", "cpu"))
    parts = ", ".join(f"{stage['stage']} {stage['wall']:.1f}" for stage in stages)
    return f"{_room_name(env_id)} {wall:.0f} ({cpu:.0f}): {parts}"


def _room_name(env_id: str) -> str:
    return env_id.partition("/")[2].removesuffix("-v0") or env_id


def _percent(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "–"
    return f"{100 * interval['value']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"
