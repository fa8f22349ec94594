"""Runs the runs of an experiment: groups in parallel, every finished run kept, an interrupted run resumed."""

from __future__ import annotations

import json
import time
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from data_collection.engines import Engine

from ...errors import ResultsError
from ...protocols.results import read_json, write_json
from ...runs.folder import safe_name
from .experiment import get_experiment
from .plan import Plan
from .records import Run
from .workbench import AgentCache

FORMAT = 1


def run_file(folder: Path, run: Run) -> Path:
    """Where the result of a run is kept."""
    return folder / "runs" / safe_name(run.group) / f"{safe_name(run.name)}.json"


def kept(folder: Path, run: Run, plan: Plan) -> dict[str, Any] | None:
    """The result of a run, if an earlier run left one that was asked for in the same way."""
    file = run_file(folder, run)
    try:
        record = read_json(file) if file.is_file() else None
    except ResultsError:
        return None  # cut short, so run again
    return record["result"] if record and record.get("identity") == _identity(run, plan) else None


def run_all(
    experiment_id: str,
    plan: Plan,
    root: Path,
    folder: Path,
    engine: Engine,
) -> list[tuple[Run, dict]]:
    """Runs what is missing and returns every run with its result, in order.

    Args:
        experiment_id: which experiment.
        plan: how much of it.
        root: where agents are kept, for all experiments.
        folder: where this experiment's results are kept.
        engine: where groups run; its machines share both folders. A worker that dies loses the run it was at.
    """
    runs = get_experiment(experiment_id).runs(plan)
    missing = [run for run in runs if kept(folder, run, plan) is None]
    if missing and len(missing) < len(runs):
        print(f"resuming: {len(runs) - len(missing)} of {len(runs)} runs are there", flush=True)
    groups = [list(group) for _, group in groupby(missing, key=lambda run: run.group)]
    work = partial(_run_group, experiment_id, plan, root, folder)
    for _ in engine.map(work, groups):
        pass  # results lie in the folder
    found = []
    for run in runs:
        result = kept(folder, run, plan)
        if result is None:
            raise ResultsError(f"{run.group}/{run.name} left no result in {folder}; run the same command again")
        found.append((run, result))
    return found


def _run_group(experiment_id: str, plan: Plan, root: Path, folder: Path, group: list[Run]) -> None:
    """The runs of one group that are still missing, one after the other, on one thread."""
    import torch

    torch.set_num_threads(1)
    experiment, cache = get_experiment(experiment_id), AgentCache(root, plan)
    for run in group:
        if kept(folder, run, plan) is not None:
            continue  # a worker that was killed came so far
        started = time.perf_counter()
        result = json.loads(json.dumps(experiment.measure(run, cache), allow_nan=False))
        write_json(run_file(folder, run), {"identity": _identity(run, plan), "result": result})
        print(
            f"  {run.group} · {run.name}: {experiment.say(result)} ({time.perf_counter() - started:.0f} s)",
            flush=True,
        )


def _identity(run: Run, plan: Plan) -> dict[str, Any]:
    """What a kept result must agree with to be used."""
    preset = plan.preset
    identity = {
        "format": FORMAT,
        "params": dict(run.params),
        "preset": {"steps": preset.steps, "tasks": preset.tasks},
        "device": plan.device,
        **plan.execution.identity(),
    }
    return json.loads(json.dumps(identity))
