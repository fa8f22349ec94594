"""Things by name: the files of an open folder, and what plugins register."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

from plan2vec_envs.errors import check_name
from plan2vec_envs.plugins import load_plugins as load_plugins


class Registry(MutableMapping[str, Any]):
    """A mapping from names to things, whose open folders are imported when it is first looked into.

    Args:
        what: What a thing is, for messages, such as "agent".
        folders: Packages; each of their files puts its own things in, ...
        holds: ... or holds one thing with a ``name`` in an attribute of this name.
    """

    def __init__(self, what: str, *folders: str, holds: str | None = None) -> None:
        self.what = what
        self._folders, self._holds = folders, holds
        self._things: dict[str, Any] = {}

    @property
    def known(self) -> Mapping[str, Any]:
        """What was registered so far; nothing is imported for it."""
        return self._things

    def find(self, name: object) -> Any:
        """The thing of that name, of a plugin if need be.

        Raises:
            UnknownNameError: with the closest name.
            InvalidOptionError: for a plugin that cannot be imported.
        """
        if name not in self:
            load_plugins()
            check_name(self.what, name, self)
        return self[str(name)]

    def __setitem__(self, name: str, thing: Any) -> None:
        self._things[name] = thing

    def __delitem__(self, name: str) -> None:
        del self._loaded()[name]

    def __getitem__(self, name: str) -> Any:
        return self._loaded()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())

    def _loaded(self) -> dict[str, Any]:
        folders, self._folders = self._folders, ()  # first of all: a file may look something up while it is imported
        try:
            for folder in folders:
                for file in pkgutil.iter_modules(import_module(folder).__path__):
                    self._take(f"{folder}.{file.name}")
        except BaseException:
            self._folders = folders
            raise
        return self._things

    def _take(self, module: str) -> None:
        found = import_module(module)
        if self._holds is None:
            return
        thing: Any = getattr(found, self._holds, None)
        if getattr(thing, "name", "").replace("-", "_") != module.rpartition(".")[2]:
            raise TypeError(f"{module} must define {self._holds}, a {self.what} named as its file is")
        self[thing.name] = thing
