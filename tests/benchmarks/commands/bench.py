"""`plan2vec bench`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.commands.context import Context

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Command:
    """Measure speed by tests/benchmarks, beside the last time, and note it in a history."""

    only: tuple[str, ...] = ()
    """benches to run, such as envs or search; all if none is named"""
    repeats: int = 7
    """measurements of each quantity, after one that does not count"""
    history: Path | None = None
    """file to read from and to add a line to; by default docs/results/bench.jsonl of the source tree"""
    note: bool = True
    """add the line; --no-note only compares"""
    large: bool = False
    """also sizes that take many minutes and gigabytes: graphs of a million vertices"""
    against: str = ""
    """version of plan2vec, such as 0.1.0, with whose last measurements to compare; by default simply the last ones"""
    report: bool = False
    """measure nothing: write docs/speed.md and its picture from the history of the source tree"""

    def run(self, context: Context) -> int:
        """Runs each bench in a process of its own and prints the table."""
        from plan2vec_envs.errors import InvalidOptionError

        from .. import run as bench

        if self.repeats < 1:
            raise InvalidOptionError(f"--repeats {self.repeats}: need at least 1")
        root = bench.checkout()
        if self.report:
            return self._report(context, root)
        files = bench.choose(root, self.only)
        history = self.history or root / bench.HISTORY
        before = bench.of_version(bench.read_history(history), self.against)
        found = {name: bench.run_bench(root, file, self.repeats, large=self.large) for name, file in files.items()}
        new = bench.entry(found, self.repeats, large=self.large)
        console = context.console
        console.width = max(console.width, 118)  # names on one line, also in a log
        console.print(_table(new, before))
        if self.note:
            bench.append_history(history, new)
            console.print(f"Noted in {history}", soft_wrap=True)
        return 0

    def _report(self, context: Context, root: Path) -> int:
        """Writes the page and says where."""
        from plan2vec_envs.errors import InvalidOptionError

        from .. import page as speed
        from .. import run as bench

        if self.only or self.history:
            raise InvalidOptionError(f"--report shows all of {bench.HISTORY}; leave out --only and --history")
        for path in speed.write_page(root, root / bench.HISTORY):
            context.console.print(f"Written {path}", soft_wrap=True)
        return 0


def _table(new: dict[str, Any], before: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    from ..run import number, previous

    cpu = new["hardware"]["cpu"]
    table = Table(
        "bench", "quantity", "median", "range", "unit", "before", "change", caption=f"{cpu}; * on another processor"
    )
    for bench, quantities in new["benches"].items():
        for name, now in quantities.items():
            old = previous(before, bench, name, cpu)
            columns = ["", ""]
            if old is not None:
                then, same = old
                columns = [number(then["value"]) + ("" if same else " *"), f"{now['value'] / then['value'] - 1:+.0%}"]
            spread = f"{number(now['low'])} to {number(now['high'])}"
            table.add_row(bench, name, number(now["value"]), spread, now["unit"], *columns)
    return table
