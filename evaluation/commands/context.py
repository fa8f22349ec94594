"""What every command is given, and the agent's own options, which are read once the agent is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

    from agents.training.execution import Execution
    from data_collection.engines import Engine

_PREFIXES = ("--config.", "--execution.")


@dataclass(frozen=True)
class Context:
    """The command line as typed, and its `--config.…` and `--execution.…` parts."""

    command: str
    config_args: Sequence[str] = field(default=())
    execution_args: Sequence[str] = field(default=())

    @property
    def console(self) -> Console:
        """Where to print."""
        from rich.console import Console

        return Console(highlight=False, quiet=not self.speaks)

    def say(self, text: str) -> None:
        """Prints text as it is, one line for one line."""
        self.console.print(text, soft_wrap=True, markup=False)

    @property
    def speaks(self) -> bool:
        """Whether this process prints and writes: of several that share a fit the first."""
        from agents.training import is_main

        return is_main()

    def agent_config(self, agent: str, default: Any = None) -> Any:
        """The agent's configuration with the `--config.…` options applied; None where there are none."""
        if not self.config_args:
            return default
        from agents import get_agent

        start = default if default is not None else get_agent(agent)().config
        return _read("config", start, self.config_args, f"The options of agent {agent!r}")

    def execution(self) -> Execution:
        """How to run fits, by the `--execution.…` options."""
        from agents.training.execution import DEFAULT_EXECUTION

        if not self.execution_args:
            return DEFAULT_EXECUTION
        return _read("execution", DEFAULT_EXECUTION, self.execution_args, "How fits run")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of commands that learn, judge, and leave a run folder."""

    seed: int = 0
    """root of all randomness"""
    tasks: int = 200
    """tasks to judge on"""
    device: Literal["cpu", "cuda"] = "cpu"
    """where to train; of agents --execution.help lists how"""
    fresh: bool = False
    """begin a new run even where there is one to go on with, or one that is finished"""
    out: Path = Path("runs")
    """folder of all runs"""


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """Options of commands that read other people's data."""

    keys: tuple[str, ...] | None = None
    """of observations that are a dict, which entries: one of pictures, or vectors, laid side by side"""
    layout: Literal["hwc", "chw"] | None = None
    """of pictures, where their shape does not tell"""
    drop_pauses: bool = False
    """leave out steps in which nothing changed"""
    max_jump: float | None = None
    """cut where a step leads farther: distance of vectors, mean difference of grey levels of pictures"""
    grey: bool = False
    """of picture-folders: make all pictures grey"""
    size: int | None = None
    """of picture-folders: the middle square of each picture, resized to so many pixels"""
    allow_objects: bool = False
    """of rope-arrays: read an object array (as plain data; nothing in it is run)"""

    def reading(self, *more: str) -> dict[str, Any]:
        """The options that were given, with those of the command's own, for `read_recording`."""
        names = (*(entry.name for entry in fields(RecordingOptions)), *more)
        return {name: value for name in names if (value := getattr(self, name)) not in (None, False)}


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Options of commands whose work comes in independent pieces; results do not depend on them."""

    jobs: int | None = None
    """pieces at once, a process of one thread each; None for this process alone, or every processor of Ray's"""
    engine: Literal["local", "ray"] = "local"
    """local: this machine; ray: a cluster (extra `ray`)"""
    address: str | None = None
    """of a running Ray cluster; None starts one on this machine"""

    def new_engine(self) -> Engine:
        """The engine that was asked for.

        Raises:
            InvalidOptionError: for less than one job, or an address without Ray.
        """
        from data_collection.engines import get_engine

        return get_engine(self.engine, self.jobs, self.address)


def _read(name: str, start: Any, args: Sequence[str], what: str) -> Any:
    """A nested configuration with the options that were typed; `--<name>.help` lists them and ends."""
    import tyro

    start, rest, choices = _choose_variants(name, start, args)
    rest = ["--help" if arg == f"--{name}.help" else arg for arg in rest]
    about = f"{what}, to be added to a command."
    if choices:
        lines = [f"--{name}.{path} {{{','.join(kinds)}}}" for path, kinds in choices.items()]
        about += " Variants, each with options of its own: " + "; ".join(lines)
    found = tyro.cli(
        dict[str, Any],
        default={name: start},
        args=rest,
        prog="plan2vec train",
        description=about,
        config=(tyro.conf.AvoidSubcommands,),
    )
    return found[name]


def _choose_variants(name: str, start: Any, args: Sequence[str]) -> tuple[Any, list[str], dict[str, list[str]]]:
    """The configuration with its variants as asked for, the other arguments, and what could be asked for."""
    from agents.training.config_json import choices_of, with_option

    rest, waiting = [], list(args)
    while waiting:
        arg = waiting.pop(0)
        option, equals, value = arg.partition("=")
        path = option.removeprefix(f"--{name}.").replace("-", "_")
        if arg.startswith(f"--{name}.") and path in choices_of(start):
            start = with_option(start, path, value if equals else (waiting.pop(0) if waiting else ""))
        else:
            rest.append(arg)
    return start, rest, {path.replace("_", "-"): kinds for path, kinds in choices_of(start).items()}


def split_args(args: Sequence[str]) -> tuple[list[str], ...]:
    """(the rest, `--config.…` and `--execution.…` options with their values), which are read once torch is loaded."""
    parts: dict[str, list[str]] = {prefix: [] for prefix in ("", *_PREFIXES)}
    target = ""
    for arg in args:
        if arg.startswith("--"):
            target = next((prefix for prefix in _PREFIXES if arg.startswith(prefix)), "")
        parts[target].append(arg)
        if "=" in arg:
            target = ""  # the value came along
    return tuple(parts.values())
