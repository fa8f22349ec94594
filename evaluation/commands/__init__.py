"""An open folder: one file a command, each a dataclass `Command` whose fields are its options.

The module's name is the command's, `Command.__doc__` its help. A command loads what is heavy inside `run`. Commands
about the paper lie in `evaluation/paper/commands`, those about speed, which need a checkout, in `tests/benchmarks`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import Annotated, Any, Union

_ORDER = ("demo", "train", "evaluate", "report", "collect", "envs", "doctor")
_NOT_COMMANDS = {"context"}
_BENCHMARKS = "plan2vec_benchmarks"


def benchmarks() -> str | None:
    """The package in which `tests/benchmarks` can be imported; None outside of a checkout."""
    folder = Path(__file__).resolve().parents[2] / "tests" / "benchmarks"
    if not (folder / "commands").is_dir():
        return None
    if _BENCHMARKS not in sys.modules:  # a name of its own: `tests` may be anybody's
        spec = ModuleSpec(_BENCHMARKS, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[_BENCHMARKS] = module_from_spec(spec)
    return _BENCHMARKS


def command_names() -> list[str]:
    """All commands, the usual ones first."""
    found = set(_modules())
    return [*(name for name in _ORDER if name in found), *sorted(found - set(_ORDER))]


def command_type() -> Any:
    """The union of all commands, as tyro wants it."""
    import tyro

    members, modules = [], _modules()
    for name in command_names():
        cls = importlib.import_module(modules[name]).Command
        members.append(Annotated[cls, tyro.conf.subcommand(name, description=cls.__doc__)])
    return Union[tuple(members)]  # noqa: UP007 (built at run time)


def _modules() -> dict[str, str]:
    """The module of each command."""
    packages = [__name__, f"{__name__.rpartition('.')[0]}.paper.commands"]
    packages += [f"{package}.commands"] if (package := benchmarks()) else []
    return {
        module.name: f"{package}.{module.name}"
        for package in packages
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if module.name not in _NOT_COMMANDS
    }
