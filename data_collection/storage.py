"""Datasets on disk: one compressed .npz, with a manifest that tells its origin and proves it whole.

The manifest holds the format and its version, env id, sizes, a sha256 of every array and of the manifest
itself, the fingerprint, the versions that wrote it, and its `provenance` (seed, size, env spec and options).
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.io import archive
from plan2vec_envs.io.archive import MAX_BYTES
from plan2vec_envs.io.files import atomic_write as atomic_write
from plan2vec_envs.io.files import read_json as read_json
from plan2vec_envs.io.files import storage_errors
from plan2vec_envs.io.files import write_json as write_json
from plan2vec_envs.io.folders import cache_dir as cache_dir
from plan2vec_envs.io.hashing import array_sha256, json_sha256

from .errors import CorruptFileError, StorageError, WrongEnvError
from .records import Dataset

_log = logging.getLogger(__name__)

FORMAT = "plan2vec.dataset"
FORMAT_VERSION = 1
ARRAYS = ("observations", "actions", "episode_lengths", "oracle_position", "step_lengths")
_OPTIONAL = {"actions", "oracle_position", "step_lengths"}
_PACKAGES = ("plan2vec", "numpy", "gymnasium", "pymunk")


def save_dataset(
    dataset: Dataset, path: str | os.PathLike[str], *, provenance: Mapping[str, Any] | None = None
) -> Path:
    """Write a dataset and its manifest, atomically.

    Args:
        dataset: what to write.
        path: the file, by convention *.npz.
        provenance: JSON values that say how the data came about, kept in the manifest.

    Returns:
        The path written.

    Raises:
        StorageError: the file cannot be written; nothing was left behind.
    """
    arrays = {name: array for name in ARRAYS if (array := getattr(dataset, name)) is not None}
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "env_id": dataset.env_id,
        "num_actions": dataset.num_actions,
        "num_episodes": dataset.num_episodes,
        "num_transitions": dataset.num_transitions,
        "arrays": {name: _description(array) | {"sha256": array_sha256(array)} for name, array in arrays.items()},
        "fingerprint": dataset.fingerprint,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "provenance": dict(provenance or {}),
    }
    manifest["manifest_sha256"] = json_sha256(manifest)
    archive.write_archive(Path(path), arrays, manifest)
    return Path(path)


def load_dataset(
    path: str | os.PathLike[str], *, expect_env_id: str | None = None, max_bytes: int = MAX_BYTES
) -> Dataset:
    """Read a dataset into memory and verify every checksum.

    Args:
        path: a file written by `save_dataset`.
        expect_env_id: refuse a dataset of any other environment.
        max_bytes: refuse a file that says it unpacks to more.

    Raises:
        MissingFileError: there is no such file.
        FileTooLargeError: it unpacks to more than `max_bytes`; nothing was decoded.
        FormatVersionError: it is no dataset of ours, or of another format version.
        WrongEnvError: it comes from another environment than expected.
        CorruptFileError: it is truncated or damaged, or its contents do not match their checksums.
    """
    path = Path(path)
    manifest = read_manifest(path, max_bytes=max_bytes)
    require_env(path, manifest, expect_env_id)
    arrays = archive.read_arrays(path, max_bytes=max_bytes)
    if sorted(arrays) != sorted(manifest["arrays"]):
        raise CorruptFileError(f"{path} holds {sorted(arrays)}, but its manifest lists {sorted(manifest['arrays'])}")
    for name, array in arrays.items():
        if array_sha256(array) != manifest["arrays"][name]["sha256"]:
            raise CorruptFileError(
                f"{path} was changed after it was written: {name} does not match its checksum; "
                "collect or fetch it again"
            )
    return assemble(path, arrays, manifest)


def load_mapped(path: Path, *, expect_env_id: str | None = None) -> Dataset:
    """Like `load_dataset`, with arrays mapped from an uncompressed copy in the cache folder.

    The first call verifies the file and writes the copy; later calls and other processes share its memory. A
    copy is named after the contents, so it is never stale. Where none can be written, memory is used.

    Raises:
        StorageError: as `load_dataset` does.
    """
    manifest = read_manifest(path)
    require_env(path, manifest, expect_env_id)
    folder = cache_dir() / "mapped" / manifest["manifest_sha256"]
    if (arrays := _open_arrays(folder, manifest)) is not None:
        return assemble(path, arrays, manifest)
    shutil.rmtree(folder, ignore_errors=True)  # a damaged copy, if any
    dataset = load_dataset(path, expect_env_id=expect_env_id)
    try:
        _write_arrays(folder, {name: getattr(dataset, name) for name in manifest["arrays"]})
    except StorageError as error:
        _log.info("%s was not copied: %s", path, error)
    arrays = _open_arrays(folder, manifest)  # ours, or that of a process that was faster
    return dataset if arrays is None else assemble(path, arrays, manifest)


def read_manifest(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The manifest alone, verified against its own checksum; raises what `load_dataset` raises."""
    path = Path(path)
    advice = "collect it again, or use the version that wrote it"
    manifest = archive.read_manifest(path, (FORMAT, FORMAT_VERSION), advice, max_bytes=max_bytes)
    expected = manifest.pop("manifest_sha256", None)
    if json_sha256(manifest) != expected:
        raise CorruptFileError(f"{path} was changed after it was written: its manifest does not match its checksum")
    if not _is_complete(manifest):
        raise CorruptFileError(f"{path} has a manifest with missing or unknown entries; collect or fetch it again")
    return manifest | {"manifest_sha256": expected}


def is_dataset_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an archive with a manifest, as `save_dataset` writes; what it holds is not looked at."""
    path = Path(path)
    return path.is_file() and zipfile.is_zipfile(path) and "manifest" in archive.list_arrays(path)


def require_env(path: Path, manifest: Mapping[str, Any], expect_env_id: str | None) -> None:
    """Refuse a dataset of another environment; no expectation accepts all."""
    if expect_env_id is not None and manifest["env_id"] != expect_env_id:
        raise WrongEnvError(
            f"{path} was collected in {manifest['env_id']!r}, but a dataset of {expect_env_id!r} is needed"
        )


def assemble(path: Path, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]) -> Dataset:
    """The dataset that these arrays and this manifest describe; CorruptFileError if they describe none."""
    fields: dict[str, Any] = dict.fromkeys(_OPTIONAL) | dict(arrays)
    try:
        return Dataset(**fields, env_id=manifest["env_id"], num_actions=manifest["num_actions"])
    except (TypeError, ValueError) as error:
        raise CorruptFileError(f"{path} holds no valid dataset: {error}") from error


def _is_complete(manifest: Mapping[str, Any]) -> bool:
    """Whether everything that reading relies on is there; array names become file names, so only ours pass."""
    arrays = manifest.get("arrays")
    return (
        {"env_id", "num_actions", "provenance"} <= manifest.keys()
        and isinstance(manifest["provenance"], dict)
        and isinstance(arrays, dict)
        and set(ARRAYS) - _OPTIONAL <= arrays.keys() <= set(ARRAYS)
        and all(isinstance(entry, dict) and {"shape", "dtype", "sha256"} <= entry.keys() for entry in arrays.values())
    )


def _description(array: np.ndarray) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": array.dtype.str}


def _version(package: str) -> str | None:
    """The installed version; None when running from a folder that was never installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _open_arrays(folder: Path, manifest: dict) -> dict[str, np.ndarray] | None:
    """Mapped arrays, or None when the copy is not there or is not what the manifest says."""
    try:
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in manifest["arrays"]}
    except (OSError, ValueError, EOFError):
        return None
    same = (_description(arrays[name]).items() <= listed.items() for name, listed in manifest["arrays"].items())
    return arrays if all(same) else None


def _write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    with atomic_folder(folder, sum(array.nbytes for array in arrays.values())) as temporary:
        for name, array in arrays.items():
            with open(temporary / f"{name}.npy", "wb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())


@contextmanager
def atomic_folder(target: Path, needed: int) -> Iterator[Path]:
    """An empty folder to fill, which is called ``target`` once the block ends well: others see all of it or nothing.

    Args:
        target: what it will be called; nothing may be there.
        needed: upper bound of the bytes to be written, for the message when the disk is full.

    Raises:
        StorageError: if it cannot be written; nothing was left behind.
    """
    with storage_errors(target, needed):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name[:16]}.", suffix=".tmp", dir=target.parent))
        try:
            yield temporary
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
