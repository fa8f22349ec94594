"""Folders of runs, each a folder of pictures in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from plan2vec_envs.errors import FileTooLargeError, MissingFileError, SourceError, UnsafeFileError
from plan2vec_envs.io.files import readable_size

from .object_arrays import read_array

MAX_PICTURE_BYTES = 100_000_000
_NUMBERED = re.compile(r"(\D*)(\d+)(\D*)")


def runs_of(folder: Path) -> list[Path]:
    """The folders run_00 and on, by name.

    Raises:
        MissingFileError: if there is no such folder.
        SourceError: if it holds none.
    """
    if not folder.is_dir():
        raise MissingFileError(
            f"there is no folder {folder}; it must hold run_00/ and on, each with pictures and perhaps actions.npy"
        )
    runs = sorted(run for run in folder.glob("run_*") if run.is_dir())
    if not runs:
        raise SourceError(f"{folder} holds no folder run_00 or the like; is it the right folder?")
    return runs


def any_run(folder: Path, suffixes: Collection[str], looks_right: Callable[[Path], bool] = Path.is_dir) -> bool:
    """Whether some run holds pictures, and looks right; raises nothing."""
    try:
        return any(
            looks_right(run) and any(file.suffix.lower() in suffixes for file in run.iterdir())
            for run in runs_of(folder)
        )
    except OSError:  # which includes that there are none
        return False


def read_table(path: Path, need: str) -> np.ndarray:
    """A plain array of a run, such as its actions.

    Raises:
        SourceError: if it holds Python objects or a single number; it says what is needed.
        StorageError: as `read_array`.
    """
    try:
        table = np.asanyarray(read_array(path))
    except UnsafeFileError as error:
        raise SourceError(f"{path} holds Python objects; need a plain array {need} of numbers") from error
    if table.ndim == 0:
        raise SourceError(f"{path} holds one number; need an array {need}")
    return table


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
