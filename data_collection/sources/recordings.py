"""Recordings in any known format: recognised by their looks, or read as what they are said to be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from plan2vec_envs.errors import InvalidOptionError, MissingFileError, SourceError

from ..records import Dataset
from .files.object_arrays import refuse_pointer
from .formats import FORMATS
from .options import check_options
from .repairs import EpisodeRepairs


def recognise(path: str | os.PathLike[str]) -> str:
    """The name of the one format that a file or folder looks like; nothing is decoded.

    Raises:
        MissingFileError: if there is nothing.
        SourceError: if it looks like none, or is a pointer to a file that was not fetched.
        InvalidOptionError: if it looks like several.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(
            f"there is no file or folder {path}; if it is the id of a Minari dataset, say --format minari"
        )
    if path.is_file():
        refuse_pointer(path)
    found = [name for name, each in FORMATS.items() if each.sniff(path)]
    if len(found) > 1:
        raise InvalidOptionError(f"{path} looks like {' and like '.join(found)}; say which (--format)")
    if not found:
        looks = "; ".join(f"{name}, {each.doc}" for name, each in FORMATS.items())
        raise SourceError(
            f"{path} looks like no known format. Known: {looks}. If it is one of them, say which (--format)"
        )
    return found[0]


def read_recording(
    path: str | os.PathLike[str], format_name: str | None = None, **options: Any
) -> tuple[Dataset, EpisodeRepairs]:
    """Read a foreign recording.

    Args:
        path: a file or a folder.
        format_name: one of `FORMATS`; what `recognise` says by default.
        options: of that format's own function.

    Returns:
        The dataset and what was mended.

    Raises:
        UnknownNameError: if there is no such format.
        InvalidOptionError: if the format has no such option.
        StorageError: if the files cannot be read, or say nothing usable.
    """
    chosen = FORMATS.find(recognise(path) if format_name is None else format_name)
    check_options(f"format {chosen.name!r}", chosen.read, options)
    return chosen.read(path, **options)
