"""Other people's modules, which register rooms, agents or whatever else can be added by name."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module, metadata

from .errors import InvalidOptionError

_GROUP = "plan2vec.plugins"


@cache
def load_plugins() -> None:
    """Import other people's modules that register something, once in a process.

    They are those that ``PLAN2VEC_PLUGINS`` names, separated by commas, and the entry points of installed packages in
    the group ``plan2vec.plugins``. Whatever looks up a name calls this before it says that there is no such thing;
    importing a package of ours does not, for a plugin may be what imports it.

    Raises:
        InvalidOptionError: naming a module that cannot be imported.
    """
    names = [name.strip() for name in os.environ.get("PLAN2VEC_PLUGINS", "").split(",") if name.strip()]
    for name in [*names, *(entry.value for entry in metadata.entry_points(group=_GROUP))]:
        try:
            import_module(name)
        except Exception as error:
            origin = "PLAN2VEC_PLUGINS" if name in names else f"an installed package (entry point of {_GROUP})"
            raise InvalidOptionError(
                f"{origin} names the module {name!r}, which cannot be imported ({type(error).__name__}: {error}); "
                "mend it, or leave it out"
            ) from error
