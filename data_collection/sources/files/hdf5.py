"""HDF5 files of strangers: plain arrays of the file itself, whose size is looked up before they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.errors import (
    CorruptFileError,
    FileTooLargeError,
    MissingFileError,
    SourceError,
    StorageError,
)
from plan2vec_envs.io.files import readable_size

from ...errors import import_extra
from .object_arrays import refuse_pointer

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_DEPTH = 8  # of groups; a file may hold a group within itself


def has_signature(path: Path) -> bool:
    """Whether a file begins as HDF5 files do."""
    try:
        with open(path, "rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def import_h5py() -> Any:
    """The package h5py; MissingExtraError if it is not installed."""
    return import_extra("h5py", "reading HDF5 files", "data")


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """An HDF5 file, open for reading.

    Raises:
        MissingFileError: if there is no such file.
        SourceError: if it is a pointer to a file that was not fetched.
        CorruptFileError: if it is truncated or damaged, or no HDF5 file at all.
        MissingExtraError: if h5py is not installed.
    """
    h5py = import_h5py()
    if not path.is_file():
        raise MissingFileError(f"there is no file {path}")
    refuse_pointer(path)
    with _reading(str(path)):
        opened = h5py.File(path, "r")
    with opened as file:
        yield file


def members(group: Any, where: str) -> dict[str, Any]:
    """What a group holds, by name: groups and arrays; nothing is read.

    Raises:
        SourceError: if something lies in another file.
        CorruptFileError: if the file is damaged.
    """
    h5py = import_h5py()
    with _reading(where):
        found = {}
        for name in group:
            if not isinstance(name, str):
                raise ValueError(f"the name {name!r} is no text")
            entry = None if isinstance(group.get(name, getlink=True), h5py.ExternalLink) else group[name]
            if entry is None or (isinstance(entry, h5py.Dataset) and (entry.is_virtual or entry.external)):
                raise SourceError(f"{where}, {name} lies in another file; need all arrays in one. Copy it there")
            found[name] = entry
        return found


def arrays_in(group: Any, where: str, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """The arrays of a group and of those within it, by names such as ``infos/qpos``; nothing is read.

    Raises:
        SourceError: if something lies in another file, or deeper than in recordings.
        CorruptFileError: if the file is damaged.
    """
    h5py = import_h5py()
    if depth > _MAX_DEPTH:
        raise SourceError(f"{where} holds groups within groups, {prefix}…; need at most {_MAX_DEPTH} levels")
    found: dict[str, Any] = {}
    for name, entry in members(group, where).items():
        if isinstance(entry, h5py.Group):
            found |= arrays_in(entry, where, f"{prefix}{name}/", depth + 1)
        elif isinstance(entry, h5py.Dataset):
            found[f"{prefix}{name}"] = entry
    return found


def require_room(arrays: Iterable[Any], where: str, max_bytes: int) -> int:
    """How many bytes these arrays take.

    Raises:
        FileTooLargeError: if more than max_bytes.
    """
    with _reading(where):  # Python's own integers: those of a stranger's shape may be any
        size = sum(int(np.prod(array.shape or (0,), dtype=object)) * array.dtype.itemsize for array in arrays)
    if size > max_bytes:
        raise FileTooLargeError(
            f"{where} unpacks to {readable_size(size)}, more than the limit of {readable_size(max_bytes)}; nothing was "
            "decoded. If you trust it, pass a larger max_bytes"
        )
    return size


def read_numbers(array: Any, where: str) -> np.ndarray:
    """A plain array of numbers.

    Raises:
        SourceError: if it holds anything else.
        CorruptFileError: if the file is damaged.
    """
    with _reading(where):
        if array.shape is None or array.dtype.kind not in "buif":
            raise SourceError(f"{where} has shape {array.shape} and dtype {array.dtype}; need an array of numbers")
        return np.asarray(array[()])


@contextlib.contextmanager
def _reading(where: str) -> Iterator[None]:
    """Whatever a damaged file makes h5py raise is said to be damage."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        raise CorruptFileError(f"{where} is truncated or damaged, or no HDF5 file at all ({error})") from error
