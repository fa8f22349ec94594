"""The two folders that lie outside of the project: the user's data, which is only read, and our cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import MissingFileError

DATA_VARIABLE, CACHE_VARIABLE = "PLAN2VEC_DATA", "PLAN2VEC_CACHE"


def cache_dir() -> Path:
    """The folder named by PLAN2VEC_CACHE, else `plan2vec` in the user's cache folder; not created here."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "plan2vec" / "cache"
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "plan2vec"
    return Path.home() / ".cache" / "plan2vec"


def data_dir() -> Path | None:
    """The folder named by PLAN2VEC_DATA, or None where it is not set; nothing is ever written there."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def data_folder(name: str) -> Path:
    """The folder of one source of real data: PLAN2VEC_DATA/name.

    Raises:
        MissingFileError: if the variable is not set, or there is no such folder.
    """
    root = data_dir()
    if root is None:
        raise MissingFileError(
            f"no folder of real data is known, so {name!r} cannot be found; set {DATA_VARIABLE} to the folder that "
            f"holds {name}/, or pass a path"
        )
    if not (root / name).is_dir():
        found = sorted(place.name for place in root.iterdir() if place.is_dir()) if root.is_dir() else []
        raise MissingFileError(
            f"there is no folder {root / name}; {DATA_VARIABLE} is {root}, which "
            f"{'holds ' + ', '.join(found) if found else 'holds no folders'}. Put the files of {name!r} there, or "
            "pass a path"
        )
    return root / name


def world_folders() -> list[Path]:
    """Where world files are looked for by name, in this order."""
    root = data_dir()
    return [*([root / "worlds"] if root else []), cache_dir() / "worlds"]
