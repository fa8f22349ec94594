"""Views that were drawn once and are kept on disk, mapped into memory."""

from __future__ import annotations

import io
import os
from dataclasses import asdict
from pathlib import Path
from typing import IO

import numpy as np
from filelock import FileLock
from numpy.typing import ArrayLike
from tqdm import tqdm

from ...errors import InvalidOptionError
from ...io.files import storage_errors, write_json
from ...io.hashing import json_sha256
from ..record import WorldGraph
from .dice import LOOK
from .lens import FRAME_SHAPE
from .nuisance import NUISANCE, Nuisance
from .renderer import MAX_ID, RENDERER_VERSION, StreetRenderer

FORMAT, FORMAT_VERSION = "plan2vec.views", 1

_BLOCK = 1024  # views that are drawn and brought to the disk together: about a second
_QUIET = 3.0  # seconds before a progress bar appears


def cached_views(
    world: WorldGraph,
    view_ids: ArrayLike,
    *,
    folder: str | os.PathLike[str],
    nuisance: Nuisance = NUISANCE,
    progress: bool = True,
) -> np.ndarray:
    """Views of all places, drawn at the first call and mapped from disk at every later one.

    ``views-<hash>.npy`` in the folder is named after everything that the pixels depend on, which is written
    beside it as ``.json``, so it is never stale. It appears when it is whole. Until then views are appended to
    a ``.part`` file under a lock: after Ctrl-C or a kill the next call goes on there, and a second process waits.

    Args:
        world: whose places are seen.
        view_ids: (V,) different whole numbers, as for `StreetRenderer.views`.
        folder: where the files are; created when missing.
        nuisance: as of `StreetRenderer`.
        progress: show a bar when it takes longer than 3 seconds.

    Returns:
        (N, V, 1, 64, 64) uint8, read-only, on disk: 4 kB a view.

    Raises:
        InvalidOptionError: if the view ids are none.
        WorldError: if the world cannot be drawn.
        StorageError: if the folder cannot be written.
    """
    ids = _checked(view_ids)
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "renderer_version": RENDERER_VERSION,
        "world": world.fingerprint,
        "nuisance": {name: float(strength) for name, strength in asdict(nuisance).items()},
        "seed": LOOK,
        "view_ids": ids.tolist(),
    }
    path = Path(folder) / f"views-{json_sha256(manifest)[:24]}.npy"
    shape = (world.num_places, len(ids), *FRAME_SHAPE)
    if (views := _open(path, shape)) is not None:
        return views
    renderer = StreetRenderer(world, nuisance)
    with storage_errors(path, int(np.prod(shape))):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if (views := _open(path, shape)) is None:
                write_json(path.with_suffix(".json"), {**manifest, "world_name": world.name, "shape": shape})
                _draw(path, shape, renderer, ids, progress)
                views = _open(path, shape)
    assert views is not None, "what was just written can be read"
    return views


def _checked(view_ids: ArrayLike) -> np.ndarray:
    ids = np.asarray(view_ids)
    if ids.ndim != 1 or not ids.size or not np.issubdtype(ids.dtype, np.integer):
        raise InvalidOptionError(f"view_ids has shape {ids.shape} and dtype {ids.dtype}; need (V,) integers, V > 0")
    if ids.min() < 0 or ids.max() > MAX_ID or len(np.unique(ids)) < len(ids):
        raise InvalidOptionError(f"view_ids are {ids.tolist()}; need different numbers from 0 to {MAX_ID}")
    return ids.astype(np.int64)


def _open(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The mapped views, or None where there are none or they are damaged."""
    try:
        views = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return views if views.shape == shape and views.dtype == np.uint8 else None


def _draw(path: Path, shape: tuple[int, ...], renderer: StreetRenderer, ids: np.ndarray, progress: bool) -> None:
    """Append what is missing of the partial file, and give it its name."""
    part = path.with_suffix(".part")
    block = max(1, _BLOCK // len(ids))  # places
    try:
        with open(part, "a+b") as file:
            done = _resume(file, shape, block)
            with tqdm(
                desc=f"drawing {renderer.world.name}",
                total=shape[0] * shape[1],
                initial=done * shape[1],
                unit="view",
                delay=_QUIET,
                disable=not progress,
            ) as bar:
                for first in range(done, shape[0], block):
                    places = np.arange(first, min(first + block, shape[0]))
                    frames = renderer.views(np.repeat(places, len(ids)), np.tile(ids, len(places)))
                    file.write(frames.tobytes())
                    _sync(file)
                    bar.update(len(frames))
        part.replace(path)
    except OSError:  # a full disk: give back the space
        part.unlink(missing_ok=True)
        raise


def _resume(file: IO[bytes], shape: tuple[int, ...], block: int) -> int:
    """Cut a partial file back to what is surely good, and return how many places that is."""
    memory = io.BytesIO()
    np.lib.format.write_array_header_1_0(memory, {"descr": "|u1", "fortran_order": False, "shape": shape})
    header = memory.getvalue()
    file.seek(0)
    if file.read(len(header)) != header:
        file.truncate(0)
        file.write(header)
        _sync(file)
        return 0
    # Each block had reached the disk before the next was begun, so a crash can have spoilt the last one only.
    size, row_bytes = file.seek(0, os.SEEK_END) - len(header), int(np.prod(shape[1:]))
    done = max(0, -(-size // (row_bytes * block)) - 1) * block
    file.truncate(len(header) + done * row_bytes)
    file.seek(0, os.SEEK_END)
    return done


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
