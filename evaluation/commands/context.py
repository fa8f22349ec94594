"""What every command is given, and the agent's own options, which are read once the agent is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

    from data_collection.engines import Engine

_PREFIX = "--config."


@dataclass(frozen=True)
class Context:
    """The command line as typed, and its `--config.…` part."""

    command: str
    config_args: Sequence[str] = field(default=())

    @property
    def console(self) -> Console:
        """Where to print."""
        from rich.console import Console

        return Console(highlight=False)

    def refuse_config(self) -> None:
        """For commands that train nothing.

        Raises:
            InvalidOptionError: if a `--config.…` option was given.
        """
        if self.config_args:
            from plan2vec_envs.errors import InvalidOptionError

            raise InvalidOptionError(f"{self.config_args[0]}: this command trains no agent; use it with `train`")

    def agent_config(self, agent: str, default: Any = None) -> Any:
        """The agent's configuration with the `--config.…` options applied; None where there are none."""
        if not self.config_args:
            return default
        import tyro

        from agents import get_agent

        start = default if default is not None else get_agent(agent)().config
        options = make_dataclass("Options", [("config", type(start), field(default=start))], frozen=True)
        args = ["--help" if arg == f"{_PREFIX}help" else arg for arg in self.config_args]
        description = f"The options of agent {agent!r}, to be added to a `plan2vec train` command."
        return tyro.cli(options, args=args, prog="plan2vec train", description=description).config


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


def split_config_args(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """(the rest, `--config.…` options with their values): `--config.help` lists what there is."""
    plain: list[str] = []
    config: list[str] = []
    target = plain
    for arg in args:
        if arg.startswith("--"):
            target = config if arg.startswith(_PREFIX) else plain
        target.append(arg)
        if "=" in arg and target is config:
            target = plain  # the value came along
    return plain, config
