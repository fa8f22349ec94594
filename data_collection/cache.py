"""Where collected data is kept, and uncompressed copies of it that open in a millisecond."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from plan2vec_envs.io.files import storage_errors
from plan2vec_envs.io.folders import cache_dir as cache_dir

from .errors import StorageError
from .records import Dataset
from .storage import assemble, load_dataset, matches, read_manifest, require_env

_log = logging.getLogger(__name__)


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
        _log.info("using %s in memory: %s", path, error)
        return dataset
    arrays = _open_arrays(folder, manifest)
    return dataset if arrays is None else assemble(path, arrays, manifest)


def _open_arrays(folder: Path, manifest: dict) -> dict[str, np.ndarray] | None:
    """Mapped arrays, or None when the copy is not there or is not what the manifest says."""
    try:
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in manifest["arrays"]}
    except (OSError, ValueError, EOFError):
        return None
    return arrays if all(matches(arrays[name], d) for name, d in manifest["arrays"].items()) else None


def _write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Fill a temporary folder and rename it: another process sees all of the arrays or none."""
    needed = sum(array.nbytes for array in arrays.values())
    with storage_errors(folder, needed):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name[:16]}.", suffix=".tmp", dir=folder.parent))
        try:
            for name, array in arrays.items():
                with open(temporary / f"{name}.npy", "wb") as file:
                    np.save(file, array, allow_pickle=False)
                    file.flush()
                    os.fsync(file.fileno())
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # else a second process was faster, with the same contents
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
