"""Writing files so that an interrupt, a crash or a full disk never leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import CorruptFileError, DiskFullError, StorageError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, needed: int | None = None) -> Iterator[IO[bytes]]:
    """Open a file that appears under `path` only when the block ends well.

    The bytes go to a temporary file in the same folder (created when missing), reach the disk, and replace
    the old file in one step. On any exception, Ctrl-C included, the old file stays as it was.

    Args:
        path: the file to write.
        needed: upper bound of the bytes to be written, for the message when the disk is full.

    Yields:
        A binary file, open for writing.

    Raises:
        DiskFullError: the disk ran out of space.
        StorageError: the folder or file cannot be written for another reason.
    """
    target = Path(path)
    with storage_errors(target, needed):
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.umask(mask := os.umask(0o022))  # it can only be read by setting it
            temporary.chmod(0o666 & ~mask)  # mkstemp makes private files; a dataset is an ordinary one
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_json(path: str | os.PathLike[str], value: Any, *, allow_nan: bool = False) -> None:
    """Write JSON in one atomic replacement, creating the folder.

    Raises:
        ValueError: for NaN or infinity, which other readers of JSON refuse, unless they are allowed.
        StorageError: as ``atomic_write`` does.
    """
    text = json.dumps(value, indent=1, allow_nan=allow_nan) + "\n"
    with atomic_write(path) as file:
        file.write(text.encode())


def read_json(path: str | os.PathLike[str], error: type[Exception] = CorruptFileError) -> dict[str, Any]:
    """Read a JSON object that we wrote.

    Raises:
        error: if the file is missing, cut short, too deep, or holds no object; the message names it.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as cause:
        raise error(f"cannot read {path} as JSON: {cause}. Delete the file to have it written again") from cause
    if not isinstance(data, dict):
        raise error(f"{path} holds a {type(data).__name__}, need an object")
    return data


@contextlib.contextmanager
def storage_errors(target: Path, needed: int | None = None) -> Iterator[None]:
    """Turn an OSError raised while `target` is written into a StorageError that says what to do."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno in _DISK_FULL:
            amount = "" if needed is None else f" It needs up to {readable_size(needed)}."
            raise DiskFullError(
                f"no space left while writing {target}.{amount} Nothing was left behind; free some space, or "
                "point PLAN2VEC_CACHE or the output path to another disk, and run the same command again"
            ) from error
        raise StorageError(f"cannot write {target}: {error.strerror or error}. Nothing was left behind") from error


def readable_size(num_bytes: float) -> str:
    """A number of bytes for people: 4506000 is '4.5 MB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} bytes" if unit == "bytes" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"
