"""A forecast as a table, and those of docs/scaling.md: `python -m tests.benchmarks.forecast.tables docs/scaling.md`.

In a page, `<!-- forecast: --frames 1e8 --machines 16 -->` … `<!-- /forecast -->` holds what `plan2vec forecast` says
with these options.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from evaluation.report.tables import Table
from plan2vec_envs.io.files import atomic_write

from .designs import DESIGNS, Design, Job, refusal
from .machines import GB, Cluster
from .simulate import StageCost, simulate

_BLOCK = re.compile(r"(<!-- forecast: (?P<options>.*?) -->\n).*?(<!-- /forecast -->)", re.DOTALL)
_HEAD = ("stage", "pieces", "at once", "clock", "of all cores", "GB of a machine", "GB of disks", "GB between machines")


def table_of(job: Job, cluster: Cluster, design: Design) -> Table:
    """What each stage takes, and all of them."""
    costs = simulate(design.stages(job, cluster), cluster)
    rows = [("", _row(cost)) for cost in costs]
    wall, busy = sum(cost.wall for cost in costs), sum(cost.busy for cost in costs)
    moved = [_number(sum(getattr(cost, name) for cost in costs) / GB) for name in ("disk", "network")]
    peak = max(cost.memory for cost in costs)
    rows.append(("ours", ("in all", "", "", clock(wall), clock(busy), _number(peak / GB), *moved)))
    again = sum(cost.retries for cost in costs)
    notes = [f"{again:,} pieces were begun again."] if cluster.failures else []
    return Table(f"{job.frames:,} frames: {design.title}", _HEAD, rows, notes)


def reasons(job: Job, cluster: Cluster) -> list[str]:
    """Why each of the designs that are not for this job is not."""
    found = [(design, refusal(design, job, cluster)) for design in DESIGNS.values()]
    return [f"{design.name} ({design.title}) was not taken: {why}" for design, why in found if why]


def clock(seconds: float) -> str:
    """Seconds, minutes, hours or days, as people say them."""
    if seconds < 1:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "0 s"
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{_number(seconds / size)} {name}"
    return f"{_number(seconds)} s"


def render_page(page: Path) -> int:
    """Rewrites every marked block of a page; returns how many there are.

    Raises:
        Plan2vecError: if an option cannot be; nothing is written then.
    """
    text, count = _BLOCK.subn(
        lambda match: f"{match[1]}{_block(match['options'])}\n{match[3]}", page.read_text("utf-8")
    )
    with atomic_write(page) as out:
        out.write(text.encode())
    return count


def _block(options: str) -> str:
    import tyro

    from ..commands.forecast import Command

    asked = tyro.cli(Command, args=shlex.split(options))
    table = asked.table()
    return f"*{table.title}* (`plan2vec forecast {options}`)\n\n{table.markdown()}"


def _row(cost: StageCost) -> tuple[str, ...]:
    stage = cost.stage
    name = f"{stage.name} (GPU)" if stage.device == "gpu" else stage.name
    many = f"{stage.pieces:,}", f"{cost.processes:,}", clock(cost.wall), clock(cost.busy)
    return (name, *many, *(_number(each / GB) for each in (cost.memory, cost.disk, cost.network)))


def _number(value: float) -> str:
    """Two significant digits, whole from 10."""
    if value >= 10:
        return f"{float(f'{value:.2g}'):,.0f}" if value < 100 else f"{float(f'{value:.3g}'):,.0f}"
    return "0" if value < 0.001 else f"{value:.2g}"


if __name__ == "__main__":
    for name in sys.argv[1:] or ["docs/scaling.md"]:
        print(f"{name}: {render_page(Path(name))} tables")
