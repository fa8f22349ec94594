"""Arrays and one JSON manifest in a compressed .npz, read back without trusting a byte of it.

`numpy.load` opens the same file; this reader adds what a stranger's file needs: no pickles, nothing larger
than allowed, no array whose header promises another size than the archive holds, every damage a named error.
"""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ..errors import CorruptFileError, FileTooLargeError, FormatVersionError, MissingFileError
from .files import atomic_write, readable_size

MAX_BYTES = 16 * 10**9  # what a file may unpack to unless the caller allows more
_MANIFEST = "manifest"


def write_archive(path: Path, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]) -> None:
    """Write arrays and manifest to a compressed .npz, atomically; equal contents give equal bytes."""
    members = {_MANIFEST: np.array(json.dumps(manifest, sort_keys=True)), **arrays}
    with (
        atomic_write(path, needed=sum(array.nbytes for array in members.values())) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name, array in members.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, always
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as member:
                npy.write_array(member, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)


def read_manifest(path: Path, kind: tuple[str, int], advice: str, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read the manifest alone of what `write_archive` wrote.

    Args:
        path: the file.
        kind: what ``format`` and ``format_version`` in the manifest must be.
        advice: what to do about a file of another kind, for the message.
        max_bytes: refuse a file that would unpack to more.

    Raises:
        MissingFileError: there is no such file.
        FileTooLargeError: it would unpack to more than `max_bytes`.
        FormatVersionError: it is a .npz without our manifest, or of another kind.
        CorruptFileError: it is truncated or damaged, or no archive at all.
    """
    with _Archive(path, max_bytes) as archive:
        manifest = archive.manifest()
    found = manifest.get("format"), manifest.get("format_version")
    if found != kind:
        raise FormatVersionError(
            f"{path} has format {found[0]!r}, version {found[1]!r}; this plan2vec reads {kind[0]!r}, version "
            f"{kind[1]}; {advice}"
        )
    return manifest


def list_arrays(path: Path, *, max_bytes: int = MAX_BYTES) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and dtype that each array of any .npz promises; nothing but headers is read.

    Raises:
        MissingFileError, FileTooLargeError, CorruptFileError: as `read_manifest`.
    """
    with _Archive(path, max_bytes) as archive:
        return {name: archive.header(name) for name in archive.names}


def read_arrays(path: Path, names: Iterable[str] | None = None, *, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Read arrays of any .npz.

    Args:
        path: the file.
        names: in the order asked for, no other is decoded; all but the manifest by default.
        max_bytes: refuse a file that would unpack to more.

    Raises:
        MissingFileError, FileTooLargeError, CorruptFileError: as `read_manifest`.
    """
    with _Archive(path, max_bytes) as archive:
        wanted = (name for name in archive.names if name != _MANIFEST) if names is None else names
        return {name: archive.array(name) for name in wanted}


class _Archive:
    """An open .npz; every failure of the layers below comes out as an error of ours that names the file."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise MissingFileError(f"there is no file {path}") from error
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._damaged(error) from error
        members = self._zip.infolist()
        self._members = {info.filename.removesuffix(".npy"): info for info in members}
        unpacked = sum(info.file_size for info in members)
        if unpacked > max_bytes:
            self._zip.close()
            raise FileTooLargeError(
                f"{path} unpacks to {readable_size(unpacked)}, more than the limit of "
                f"{readable_size(max_bytes)}; nothing was decoded. If you trust it, pass a larger max_bytes"
            )

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def manifest(self) -> dict[str, Any]:
        if _MANIFEST not in self._members:
            raise FormatVersionError(f"{self._path} is no file of plan2vec: it holds {self.names}, but no manifest")
        try:
            manifest = json.loads(str(self.array(_MANIFEST)[()]))
        except ValueError as error:
            raise self._damaged(error) from error
        if not isinstance(manifest, dict):
            raise FormatVersionError(f"{self._path} is no file of plan2vec: its manifest is no JSON object")
        return manifest

    def array(self, name: str) -> np.ndarray:
        info = self._members[name]
        with self._decoding():
            with self._zip.open(info) as member:
                _check_npy(member, info.file_size)
            with self._zip.open(info) as member:
                array = npy.read_array(member, allow_pickle=False)
                member.read(1)  # reaching the end is what makes zipfile compare its own checksum
        return array

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        with self._decoding(), self._zip.open(self._members[name]) as member:
            shape, _, dtype = read_header(member)
            return shape, dtype

    @contextlib.contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:  # whatever a stranger's bytes make their reader raise
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> CorruptFileError:
        return CorruptFileError(
            f"{self._path} is truncated or damaged, or no .npz archive at all ({error}); collect or fetch it again"
        )


def read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is in Fortran order, and dtype of the .npy array that follows.

    Raises:
        Exception: of any kind, for what is no header.
    """
    version = npy.read_magic(member)
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"npy version {version} is not used here")
    return reader(member)


def _check_npy(member: IO[bytes], file_size: int) -> None:
    """ValueError if the header of an array does not fit the bytes that follow; nothing was allocated for it."""
    shape, _, dtype = read_header(member)
    if dtype.hasobject:
        raise ValueError(f"an array of {dtype} is not used here")
    left, count = file_size - member.tell(), dtype.itemsize
    for length in shape:  # Python integers cannot overflow
        count *= length
    if count != left:
        raise ValueError(f"an array of shape {shape} and dtype {dtype} takes {count} bytes, but {left} are there")
