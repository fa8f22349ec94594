"""The benches of a checkout, and their history: one JSON line a run, so that a slower version is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.runs import environment
from plan2vec_envs.errors import Plan2vecError, check_name
from plan2vec_envs.io.files import atomic_write

FORMAT = 1
HISTORY = Path("docs/results/bench.jsonl")

Quantity = dict[str, Any]
"""name, unit, value (the median), low and high"""


class BenchError(Plan2vecError, RuntimeError):
    """There is no bench to run, a bench failed, or its history cannot be read."""


def checkout() -> Path:
    """The root of the source tree that this package lies in.

    Raises:
        BenchError: if it holds no benches, as when only the packages were installed.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "tests" / "benchmarks").is_dir():
        raise BenchError(
            f"{root} holds no tests/benchmarks: benches are part of the source tree, not of an installation. "
            "Clone the repository and install it with `pip install -e .`, or run `make bench` there."
        )
    return root


def bench_files(root: Path) -> dict[str, Path]:
    """The benches of a checkout by name: tests/benchmarks/bench_NAME.py."""
    files = sorted((root / "tests" / "benchmarks").glob("bench_*.py"))
    return {file.stem.removeprefix("bench_"): file for file in files}


def choose(root: Path, only: Sequence[str]) -> dict[str, Path]:
    """The benches of these names, or all of them.

    Raises:
        UnknownNameError: with the closest name.
    """
    files = bench_files(root)
    return {check_name("bench", name, files): files[name] for name in only} if only else files


def run_bench(root: Path, file: Path, repeats: int, *, large: bool = False) -> list[Quantity]:
    """Runs one bench in a process of its own, with one thread; what it prints goes to stderr.

    Args:
        root: of the checkout.
        file: the bench.
        repeats: of each measurement.
        large: also its sizes that take many minutes, if it has some.

    Returns:
        What it measured.

    Raises:
        BenchError: if it fails.
    """
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "quantities.json")
        command = [sys.executable, str(file), "--repeats", str(repeats), "--json", str(out)]
        command += ["--large"] if large else []
        done = subprocess.run(command, env={**os.environ, **threads, "PYTHONPATH": path}, cwd=root)
        if done.returncode or not out.is_file():
            raise BenchError(f"the bench {file} failed with exit code {done.returncode}; its own words stand above")
        return json.loads(out.read_text(encoding="utf-8"))


def entry(benches: dict[str, list[Quantity]], repeats: int, *, large: bool = False) -> dict[str, Any]:
    """A line of the history: when, where, what; numbers to four digits."""
    packages = environment.versions()
    return {
        "format": FORMAT,
        "date": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "commit": environment.commit(),
        "hardware": environment.hardware(),
        "versions": {name: packages[name] for name in ("plan2vec", "python", "numpy", "torch")},
        "repeats": repeats,
        "large": large,
        "benches": {name: {q["name"]: _rounded(q) for q in found} for name, found in benches.items()},
    }


def read_history(file: Path) -> list[dict[str, Any]]:
    """All entries, the oldest first; none where there is no file.

    Raises:
        BenchError: if a line is no entry.
    """
    if not file.is_file():
        return []
    entries = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found = json.loads(line)
            if found["format"] != FORMAT or not {"hardware", "benches"} <= set(found):
                raise ValueError(f"format {found['format']!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise BenchError(
                f"{file}, line {number} is no entry of a bench history of format {FORMAT} ({error}); mend or move it"
            ) from error
        entries.append(found)
    return entries


def of_version(history: list[dict[str, Any]], version: str) -> list[dict[str, Any]]:
    """The entries of a version of plan2vec; all of them if the version is empty.

    Raises:
        UnknownNameError: if there is none, with the versions that there are.
    """
    if not version:
        return history
    known = [entry for entry in history if "plan2vec" in entry.get("versions", {})]
    versions = sorted({str(entry["versions"]["plan2vec"]) for entry in known})
    check_name("version in the history of the benches", version, versions)
    return [entry for entry in history if entry.get("versions", {}).get("plan2vec") == version]


def append_history(file: Path, new: dict[str, Any]) -> None:
    """Adds an entry at the end, the whole file replaced at once."""
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as out:
        out.write((before + json.dumps(new, sort_keys=True, ensure_ascii=False) + "\n").encode())


def previous(history: Iterable[dict[str, Any]], bench: str, name: str, cpu: str) -> tuple[Quantity, bool] | None:
    """The latest earlier measurement of a quantity, and whether it is of the same processor, which is preferred."""
    found = [
        (one["benches"][bench][name], one["hardware"].get("cpu") == cpu)
        for one in history
        if name in one["benches"].get(bench, {})
    ]
    chosen = [pair for pair in found if pair[1]] or found
    return chosen[-1] if chosen else None


def number(value: float) -> str:
    """Three significant digits or whole, with thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _rounded(quantity: Quantity) -> Quantity:
    """Without the name, which is its key."""
    return {"unit": quantity["unit"], **{key: float(f"{quantity[key]:.4g}") for key in ("value", "low", "high")}}
