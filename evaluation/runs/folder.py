"""Run folders and their clock: one folder a run, one writer a folder, an interrupted run is found again.

::

    runs/<env>/<agent>/seed<k>-<YYYYmmdd-HHMMSS>[-n]/
        config.json    what was asked      cmd.txt   the command      env.json   versions, commit, hardware
        metrics.csv, checkpoints/, stages/           written by the agent while it learns
        agent/         the trained agent   map/      its 2-d map      eval/      one JSON a protocol
        stages.json    seconds of each stage         report.html, results.json   finished.json, written last
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from plan2vec_envs.errors import Plan2vecError

from ..errors import RunFolderError, RunLockedError
from ..protocols.results import read_json, write_json

_FINISHED = "finished.json"


class RunFolder:
    """One run on disk; its paths never leave it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, *parts: str) -> Path:
        """A path inside the folder.

        Raises:
            RunFolderError: if the path would leave it.
        """
        found = self.root.joinpath(*parts)
        if not found.resolve().is_relative_to(self.root.resolve()):
            raise RunFolderError(f"{'/'.join(parts)!r} leads out of the run folder {self.root}")
        return found

    @property
    def config(self) -> dict[str, Any]:
        """What was asked."""
        return read_json(self.path("config.json"))

    @property
    def command(self) -> str:
        """The command that began the run."""
        file = self.path("cmd.txt")
        return file.read_text(encoding="utf-8").strip() if file.is_file() else ""

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return self.path(_FINISHED).is_file()

    def finish(self) -> None:
        """Says that the run came to its end; nothing is written afterwards but the report."""
        write_json(self.path(_FINISHED), {"finished": time.strftime("%Y-%m-%d %H:%M:%S")})

    @contextmanager
    def writing(self) -> Iterator[RunFolder]:
        """Holds the folder's lock.

        Raises:
            RunLockedError: at once, if another process holds it.
        """
        try:
            held = FileLock(self.path(".lock")).acquire(timeout=0)
        except Timeout as error:
            raise RunLockedError(
                f"another process writes to {self.root}; wait until it ends, or use another --out or --seed"
            ) from error
        with held:
            yield self


@dataclass(frozen=True)
class StageSeconds:
    """What one stage took; `cpu` sums over threads."""

    stage: str
    wall: float
    cpu: float


class Stopwatch:
    """Wall and CPU seconds of each stage of a run; a stage that is run again adds to what it took before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = read_json(path)["stages"] if path.is_file() else []
        self._stages = {row["stage"]: StageSeconds(**row) for row in kept}

    @property
    def rows(self) -> list[StageSeconds]:
        """Stages in the order in which they were first run."""
        return list(self._stages.values())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures a block that ends well."""
        from agents.training.loop import Clock  # imports torch

        clock = Clock()
        if before := self._stages.get(name):
            clock.add(before.wall, before.cpu)
        yield
        self.put(name, *clock.spent())

    def put(self, name: str, wall: float, cpu: float) -> None:
        """Notes seconds that were measured elsewhere, such as an agent's own log."""
        self._stages[name] = StageSeconds(name, wall, cpu)
        write_json(self._path, {"stages": [vars(row) for row in self.rows]})


def family(out: Path, env_id: str, agent: str) -> Path:
    """The folder that holds all runs of one agent in one environment."""
    return out / safe_name(env_id) / safe_name(agent)


def create(out: Path, env_id: str, agent: str, seed: int, config: dict[str, Any], command: str) -> RunFolder:
    """A new run folder; two runs that start in the same second get different ones."""
    parent = family(out, env_id, agent)
    parent.mkdir(parents=True, exist_ok=True)
    stem = f"seed{seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    for attempt in range(1000):
        root = parent / (stem if not attempt else f"{stem}-{attempt}")
        try:
            root.mkdir()
        except FileExistsError:
            continue
        run = RunFolder(root)
        run.path("cmd.txt").write_text(command + "\n", encoding="utf-8")
        write_json(run.path("config.json"), config)  # last: a folder without it is nobody's
        return run
    raise RunFolderError(f"no free name like {stem} in {parent}")


def find(out: Path, env_id: str, agent: str, seed: int, config: dict[str, Any], *, finished: bool) -> RunFolder | None:
    """The newest run folder with an identical configuration that is finished, or unfinished, as asked."""
    candidates = [
        run
        for root in family(out, env_id, agent).glob(f"seed{seed}-*")
        if re.fullmatch(r"seed\d+-\d{8}-\d{6}(-\d+)?", root.name)
        and (run := RunFolder(root)).path("config.json").is_file()
        and run.is_finished == finished
        and _reads_as(run, config)
    ]
    return max(candidates, key=lambda run: _age(run.root.name), default=None)


@contextmanager
def begun(
    out: Path,
    wanted: tuple[str, str, int, dict[str, Any]],
    command: str,
    say: Callable[[str], None],
    *,
    fresh: bool = False,
) -> Iterator[RunFolder]:
    """The folder to write a run into, locked: that of an interrupted run of the same job, or a new one.

    What fails on purpose before anything was learned leaves no new folder.

    Args:
        out: folder of all runs.
        wanted: environment, agent, seed and configuration.
        command: how the user would run this again; kept in the folder.
        say: gets a line for people.
        fresh: whether to begin anew even where the same job was interrupted.
    """
    found = None if fresh else find(out, *wanted, finished=False)
    run = found or create(out, *wanted, command)
    say(f"Resuming the interrupted run {run.root}" if found else f"Writing to {run.root}")
    try:
        with run.writing():
            yield run
    except Plan2vecError:
        learned = ("stages/*", "checkpoints/*", "curve.json", "diverged-*")
        if not found and not any(path for pattern in learned for path in run.root.glob(pattern)):
            shutil.rmtree(run.root)  # nothing to resume or to look at
        raise


def open_run(root: Path) -> RunFolder:
    """An existing run folder.

    Raises:
        RunFolderError: if it is not one.
    """
    run = RunFolder(root)
    if not root.is_dir() or not run.path("config.json").is_file():
        raise RunFolderError(
            f"{root} is no run folder (it has no config.json; `plan2vec train` writes them to runs/); for "
            "experiments of the paper see `plan2vec reproduce --report`"
        )
    return run


def safe_name(name: str) -> str:
    """A name as one folder: `Plan2vec/CMaze-v0` becomes `Plan2vec-CMaze-v0`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".") or "unnamed"


def _reads_as(run: RunFolder, config: dict[str, Any]) -> bool:
    try:
        return run.config == config
    except ValueError:
        return False  # damaged: not ours to resume


def _age(name: str) -> tuple[str, int]:
    """Sorts `seed0-20240131-120000` before `seed0-20240131-120000-1`."""
    _, day, clock, *attempt = name.split("-")
    return day + clock, int(attempt[0]) if attempt else 0
