"""An open folder: one file a command, each a dataclass `Command` whose fields are its options.

The module's name is the command's, `Command.__doc__` its help. A command loads what is heavy inside `run`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated, Any, Union

_ORDER = ("demo", "train", "evaluate", "report", "collect", "envs", "doctor")
_NOT_COMMANDS = {"context"}


def command_names() -> list[str]:
    """All commands, the usual ones first."""
    found = {module.name for module in pkgutil.iter_modules(__path__)} - _NOT_COMMANDS
    return [*(name for name in _ORDER if name in found), *sorted(found - set(_ORDER))]


def command_type() -> Any:
    """The union of all commands, as tyro wants it."""
    import tyro

    members = []
    for name in command_names():
        cls = importlib.import_module(f"{__name__}.{name}").Command
        members.append(Annotated[cls, tyro.conf.subcommand(name, description=cls.__doc__)])
    return Union[tuple(members)]  # noqa: UP007 (built at run time)
