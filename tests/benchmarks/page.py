"""What the benches measured last, as tables and one picture, from their history alone: nothing is measured here."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.report.tables import Table
from plan2vec_envs.io.files import atomic_write

from .run import BenchError, Quantity, bench_files, number, read_history

PICTURE = Path("docs/images/speed.png")
PAGE = Path("docs/speed.md")
_SIZED = re.compile(r"(?P<stem>.+), (?P<size>\d[\d,]*) (?P<of>[^:]+)(?P<rest>: .+)?")
_PEAK = "peak memory"
_EXPONENT = ": exponent"
_PARTS = {"s": 1.0, "ms": 1e3, "us": 1e6}


@dataclass(frozen=True)
class Series:
    """One thing that was measured, at one size or at several.

    Attributes:
        name: without the size.
        of: what the size counts; empty for a thing without.
        points: size (0 for a thing without) and what was measured there, sizes ascending.
        exponent: of its seconds in the size, where it was fitted.
    """

    name: str
    of: str
    points: Sequence[tuple[int, Quantity]]
    exponent: float | None

    def seconds(self) -> list[float]:
        """Of one thing at each size; empty for what is neither a time nor a rate."""
        unit = self.points[0][1]["unit"]
        if unit in _PARTS:
            return [quantity["value"] / _PARTS[unit] for _, quantity in self.points]
        return [1 / quantity["value"] for _, quantity in self.points] if unit.endswith("/s") else []


def latest(history: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The last entry of each bench by name, of those on the processor of the last line.

    Raises:
        BenchError: if nothing was measured yet.
    """
    if not history:
        raise BenchError("the history of the benches is empty, so there is nothing to show; run `plan2vec bench` first")
    cpu = history[-1]["hardware"]["cpu"]
    found = {name: entry for entry in history if entry["hardware"]["cpu"] == cpu for name in entry["benches"]}
    return dict(sorted(found.items()))


def series_of(quantities: dict[str, Quantity]) -> list[Series]:
    """The quantities of a bench, those of one thing at several sizes together.

    Args:
        quantities: name -> unit, value, low and high. "NAME, SIZE OF" is NAME at this size and "NAME, SIZE OF: WHAT" is
            "NAME: WHAT" there, if another size is there too; "NAME: exponent" is the exponent of NAME.
    """
    sized: dict[tuple[str, str], dict[int, Quantity]] = {}
    exponents: dict[str, float] = {}
    for name, quantity in quantities.items():
        if name.endswith(_EXPONENT):
            exponents[name.removesuffix(_EXPONENT)] = quantity["value"]
        else:
            stem, of, size = _parts(name)
            sized.setdefault((stem, of), {})[size] = quantity
    several = [(key, points) for key, points in sized.items() if len(points) > 1]
    found = [Series(stem, of, sorted(points.items()), exponents.get(stem)) for (stem, of), points in several]
    for name, quantity in quantities.items():
        if not name.endswith(_EXPONENT) and len(sized[_parts(name)[:2]]) == 1:
            found.append(Series(name, "", [(0, quantity)], None))
    return found


def _parts(name: str) -> tuple[str, str, int]:
    """What is measured, what its size counts, and its size; the name itself, nothing and 0 where there is none."""
    match = _SIZED.fullmatch(name)
    if not match:
        return name, "", 0
    return match["stem"] + (match["rest"] or ""), match["of"], int(match["size"].replace(",", ""))


def table_of(bench: str, entry: dict[str, Any], about: str) -> Table:
    """A bench as a table: each quantity at each of its sizes, if it has some, and how its seconds grow."""
    head, rows = ["quantity", "size", "median", "range", "unit", "exponent"], []
    found = [series for series in series_of(entry["benches"][bench]) if series.name != _PEAK or series.of]
    for series in found:
        growth = "" if series.exponent is None else f"{series.exponent:.2f}"
        for index, (size, quantity) in enumerate(series.points):
            cells = [
                series.name if index == 0 else "",
                f"{size:,} {series.of}" if series.of else "",
                number(quantity["value"]),
                f"{number(quantity['low'])} to {number(quantity['high'])}",
                quantity["unit"].replace("us", "µs"),
                growth if index == 0 else "",
            ]
            rows.append(("", cells))
    if not any(series.of for series in found):
        head, rows = head[:1] + head[2:5], [(kind, cells[:1] + cells[2:5]) for kind, cells in rows]
    return Table(f"{bench}: {about}", head, rows, [_how(bench, entry)])


def markdown_of(root: Path, file: Path, bench: str = "") -> str:
    """The tables of all benches, or of one, with what they were measured by.

    Args:
        root: of the checkout, where the benches say what they are about.
        file: the history.
        bench: name; empty for all.

    Raises:
        BenchError: if it was never measured on the processor of the last line.
    """
    entries = latest(read_history(file))
    if bench and bench not in entries:
        raise BenchError(f"no bench {bench!r} in {file} on its last processor; there are {', '.join(entries)}")
    chosen = {bench: entries[bench]} if bench else entries
    hardware = next(iter(chosen.values()))["hardware"]
    parts = [
        f"{hardware['cores']} cores of an {hardware['cpu']}, of which each bench uses one thread; medians, and ranges "
        "from the least to the greatest of the repeats."
    ]
    for name, entry in chosen.items():
        table = table_of(name, entry, _about(root, name))
        parts += [f"### {table.title}", table.markdown()]
    return "\n\n".join(parts)


def write_page(root: Path, file: Path) -> list[Path]:
    """Writes the picture, and the marked block of the page; returns both paths.

    Args:
        root: of the checkout.
        file: the history.
    """
    from .plot import speed_figure
    from .readme import render_readme

    picture, page = root / PICTURE, root / PAGE
    with atomic_write(picture) as out:
        out.write(speed_figure(latest(read_history(file))))
    render_readme(page, file.parent)
    return [page, picture]


def _about(root: Path, bench: str) -> str:
    """The first sentence of the bench's own words."""
    file = bench_files(root).get(bench)
    words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file else None
    return (words or "a bench that is no more").split("\n")[0].rstrip(".")


def _how(bench: str, entry: dict[str, Any]) -> str:
    """Command, memory, date, commit and versions in one line."""
    sha, versions = entry["commit"].get("sha"), entry["versions"]
    command = f"plan2vec bench --only {bench}{' --large' if entry.get('large') else ''} --repeats {entry['repeats']}"
    peak = entry["benches"][bench].get(_PEAK)
    memory = f"; peak memory {number(peak['value'])} MiB" if peak else ""
    commit = f", commit {sha[:10]}" if sha else ""
    packages = ", ".join(f"{name} {versions[name]}" for name in ("plan2vec", "numpy", "torch") if name in versions)
    return f"`{command}`{memory}; {entry['date'][:10]}{commit}; {packages}."
