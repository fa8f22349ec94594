"""The work behind `plan2vec reproduce`."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_collection.engines import get_engine
from data_collection.errors import check_name

from ...errors import RunFolderError
from ...protocols.results import write_json
from ...protocols.worlds import room_of
from ...runs.environment import hardware
from ...runs.folder import RunFolder, safe_name
from .experiment import EXPERIMENTS, get_experiment
from .pages import all_finished, finished, write_combined, write_page
from .plan import PRESETS, Plan
from .publish import publish, summary_of, tables_of
from .runner import run_all

if TYPE_CHECKING:
    from rich.console import Console


def list_experiments(console: Console) -> None:
    """Names every experiment."""
    titles = experiment_titles() | {name: experiment.title for name, experiment in EXPERIMENTS.known.items()}
    for name, title in sorted(titles.items()):
        console.print(f"  {name:<15} {title}")


def experiment_titles() -> dict[str, str]:
    """The id and title of each file of the open folder, read from its text: importing it would load torch."""
    found = {}
    for file in (Path(__file__).parents[1] / "experiments").glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                values = {
                    ast.unparse(each.targets[0]): each.value for each in node.body if isinstance(each, ast.Assign)
                }
                if {"id", "title"} <= values.keys():
                    found[ast.literal_eval(values["id"])] = ast.literal_eval(values["title"])
    return found


def reproduce(asked: Any, context: Any) -> None:
    """Runs one experiment to its report.

    Args:
        asked: the options of the command.
        context: command line and console.

    Raises:
        Plan2vecError: for an unknown id, preset, environment, device, or a folder in use.
    """
    from agents.training.loop import resolve_device

    experiment = get_experiment(asked.id)
    resolve_device(asked.device)
    all_there_are = hardware()["cores"] if asked.jobs is None and asked.engine == "local" else asked.jobs
    engine = get_engine(asked.engine, all_there_are, asked.address)
    env_ids = tuple(room_of(env_id).env_id for env_id in asked.env)
    preset = PRESETS[check_name("preset", asked.preset, PRESETS)]
    plan = Plan(preset, asked.seeds, env_ids, asked.size, asked.only, asked.device, context.execution())
    folder = asked.out / "-".join(
        [experiment.id, plan.preset.name, *(safe_name(env_id.partition("/")[2]) for env_id in env_ids)]
        + ([plan.size] if plan.size else [])
        + list(plan.only)
    )
    experiment.check(plan)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{experiment.title}\nWriting to {folder}", flush=True)
    with RunFolder(folder).writing():
        # Workers of a cluster need not start in this folder.
        found = run_all(experiment.id, plan, asked.out.absolute(), folder.absolute(), engine)
        command = _command(asked, context.execution_args)
        summary = summary_of(experiment, found, plan, command, engine.jobs or hardware()["cores"])
        publish(experiment, found, summary, folder)
    if asked.summary is not None:
        write_json(asked.summary, summary)
    for table in tables_of(experiment, summary):
        table.show(context.console)
    print(f"Report: {folder / 'report.html'}")


def write_report(folder: Path) -> Path:
    """The page of a finished experiment's folder, or one page of all those in a folder.

    Raises:
        RunFolderError: if there is no finished experiment.
    """
    if entry := finished(folder):
        return write_page(entry)
    if entries := all_finished(folder):
        return write_combined(folder, entries)
    raise RunFolderError(
        f"{folder} holds no finished experiment (no results.json; `plan2vec reproduce` writes them to runs/reproduce); "
        "for a run of `plan2vec train` see `plan2vec report`"
    )


def _command(asked: Any, execution_args: Sequence[str]) -> str:
    """The command that gives these numbers, without the places where it keeps them."""
    words = ["plan2vec", "reproduce", asked.id]
    for entry in fields(asked):
        value = getattr(asked, entry.name)
        if entry.name in ("id", "out", "summary", "jobs", "engine", "address", "report") or value == entry.default:
            continue
        words += [f"--{entry.name}", *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    return shlex.join([*words, *execution_args])
