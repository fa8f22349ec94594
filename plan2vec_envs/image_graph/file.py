"""World files: a ``WorldGraph`` in one compressed .npz with a manifest, whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import CorruptFileError
from ..io import archive
from ..io.archive import MAX_BYTES
from .record import ARRAYS, WorldGraph

FORMAT, FORMAT_VERSION = "plan2vec.world", 1


def save_world(world: WorldGraph, path: str | os.PathLike[str]) -> Path:
    """Write a world, atomically.

    Raises:
        StorageError: if the file cannot be written; nothing was left behind.
    """
    arrays = {name: array for name in ARRAYS if (array := getattr(world, name)) is not None}
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": world.name,
        "about": dict(world.about),
        "fingerprint": world.fingerprint,
    }
    archive.write_archive(Path(path), arrays, manifest)
    return Path(path)


def load_world(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> WorldGraph:
    """Read a world and verify its checksum.

    Args:
        path: a file that ``save_world`` wrote.
        max_bytes: refuse a file that says it unpacks to more.

    Raises:
        MissingFileError: if there is no such file.
        FileTooLargeError: if it unpacks to more; nothing was decoded.
        FormatVersionError: if it is no world file, or of another version.
        CorruptFileError: if it is damaged, or holds no valid world.
    """
    path = Path(path)
    advice = "`plan2vec world --help` says how to make a world"
    manifest = archive.read_manifest(path, (FORMAT, FORMAT_VERSION), advice, max_bytes=max_bytes)
    arrays = archive.read_arrays(path, max_bytes=max_bytes)
    try:
        fields: dict[str, Any] = {name: arrays.get(name) for name in ARRAYS}
        world = WorldGraph(name=str(manifest["name"]), about=dict(manifest["about"]), **fields)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"{path} holds no valid world: {error}") from error
    if world.fingerprint != manifest.get("fingerprint"):
        raise CorruptFileError(f"{path} was changed after it was written; make or fetch it again")
    return world
