"""Folders of runs, each a folder of pictures in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from plan2vec_envs.errors import FileTooLargeError, SourceError
from plan2vec_envs.io.files import readable_size

MAX_PICTURE_BYTES = 100_000_000
_NUMBERED = re.compile(r"(\D*)(\d+)(\D*)")


def runs_of(folder: Path) -> list[Path]:
    """The folders run_00 and on, by name."""
    return sorted(run for run in folder.glob("run_*") if run.is_dir())


def has_pictures(run: Path, suffixes: Collection[str]) -> bool:
    """Whether there is any."""
    return any(file.suffix.lower() in suffixes for file in run.iterdir())


def pictures_of(run: Path, suffixes: Collection[str]) -> list[Path]:
    """A run's pictures by name, which must not be another order than that of their numbers.

    Raises:
        SourceError: if it is another, as of img_2 and img_10.
    """
    found = sorted(file for file in run.iterdir() if file.suffix.lower() in suffixes and not file.name.startswith("."))
    parts = [_NUMBERED.fullmatch(file.stem) for file in found]
    numbers = [int(part[2]) for part in parts if part]
    # Names with one number and the same words around it; others, such as times, may be in whatever order they are.
    if len(numbers) == len(found) and len({(part[1], part[3]) for part in parts if part}) == 1:
        for i in range(1, len(found)):
            if numbers[i] < numbers[i - 1]:
                raise SourceError(
                    f"{run}: by name {found[i - 1].name} comes before {found[i].name}, by number after it, so the "
                    "order of the pictures is not known; rename them with leading zeros"
                )
    return found


def read_picture(picture: Path, max_bytes: int) -> bytes:
    """The bytes of a file.

    Raises:
        SourceError: if it cannot be read.
        FileTooLargeError: if it has more bytes than that.
    """
    try:
        if (size := picture.stat().st_size) <= max_bytes:
            return picture.read_bytes()
    except OSError as error:
        raise SourceError(f"{picture} cannot be read: {error.strerror}") from error
    raise FileTooLargeError(
        f"{picture} has {readable_size(size)}; the limit is {readable_size(max_bytes)}. Is it a picture?"
    )
