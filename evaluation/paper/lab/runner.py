"""Runs the cells of an experiment: groups in parallel, every finished cell kept, an interrupted run resumed."""

from __future__ import annotations

import json
import time
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from data_collection.engines import Engine, LocalEngine

from ...errors import ResultsError
from ...protocols.results import read_json, write_json
from ...runs.folder import safe_name
from .experiment import Cell, get_experiment
from .plan import Plan
from .workbench import Workbench

FORMAT = 1


def cell_file(folder: Path, cell: Cell) -> Path:
    """Where the result of a cell is kept."""
    return folder / "cells" / safe_name(cell.group) / f"{safe_name(cell.name)}.json"


def kept(folder: Path, cell: Cell, plan: Plan) -> dict[str, Any] | None:
    """The result of a cell, if an earlier run left one that was asked for in the same way."""
    file = cell_file(folder, cell)
    try:
        record = read_json(file) if file.is_file() else None
    except ResultsError:
        return None  # cut short, so run again
    return record["result"] if record and record.get("identity") == _identity(cell, plan) else None


def run_cells(
    experiment_id: str,
    plan: Plan,
    root: Path,
    folder: Path,
    *,
    jobs: int = 1,
    engine: Engine | None = None,
) -> list[tuple[Cell, dict]]:
    """Runs what is missing and returns every cell with its result, in order.

    Args:
        experiment_id: which experiment.
        plan: how much of it.
        root: where agents are kept, for all experiments.
        folder: where this experiment's results are kept.
        jobs: processes of one thread each; with 1, this process does it all.
        engine: where groups run instead; its machines share both folders. A worker that dies loses the cell it was at.
    """
    cells = get_experiment(experiment_id).cells(plan)
    missing = [cell for cell in cells if kept(folder, cell, plan) is None]
    if missing and len(missing) < len(cells):
        print(f"resuming: {len(cells) - len(missing)} of {len(cells)} cells are there", flush=True)
    groups = [list(group) for _, group in groupby(missing, key=lambda cell: cell.group)]
    work = partial(_run_group, experiment_id, plan, root, folder)
    for _ in (engine or LocalEngine(jobs)).map(work, groups):
        pass  # results lie in the folder
    found = []
    for cell in cells:
        result = kept(folder, cell, plan)
        if result is None:
            raise ResultsError(f"{cell.group}/{cell.name} left no result in {folder}; run the same command again")
        found.append((cell, result))
    return found


def _run_group(experiment_id: str, plan: Plan, root: Path, folder: Path, group: list[Cell]) -> None:
    """The cells of one group that are still missing, one after the other, on one thread."""
    import torch

    torch.set_num_threads(1)
    experiment, bench = get_experiment(experiment_id), Workbench(root, plan)
    for cell in group:
        if kept(folder, cell, plan) is not None:
            continue  # a worker that was killed came so far
        started = time.perf_counter()
        result = json.loads(json.dumps(experiment.run(cell, bench), allow_nan=False))
        write_json(cell_file(folder, cell), {"identity": _identity(cell, plan), "result": result})
        print(
            f"  {cell.group} · {cell.name}: {experiment.say(result)} ({time.perf_counter() - started:.0f} s)",
            flush=True,
        )


def _identity(cell: Cell, plan: Plan) -> dict[str, Any]:
    """What a kept result must agree with to be used."""
    preset = plan.preset
    return json.loads(
        json.dumps(
            {
                "format": FORMAT,
                "params": dict(cell.params),
                "preset": {"steps": preset.steps, "tasks": preset.tasks},
                "device": plan.device,
                **plan.execution.identity(),
            }
        )
    )
