"""Flat arrays in a .npz, as of OGBench, and of D4RL where it was converted; see `flat` for their layout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from plan2vec_envs.errors import SourceError, StorageError, UnsafeFileError
from plan2vec_envs.io.archive import MAX_BYTES, list_arrays, read_arrays

from ...records import Dataset
from ..flat import looks_flat, read_flat
from ..repairs import EpisodeRepairs
from ..trajectory_builder import TrajectoryBuilder
from . import Format


def read_flat_npz(
    path: str | os.PathLike[str],
    *,
    oracle: str | None = None,
    max_bytes: int = MAX_BYTES,
    **options: Any,
) -> tuple[Dataset, EpisodeRepairs]:
    """Trajectories laid end to end in flat arrays.

    Args:
        path: a .npz with observations, (N, D) or pictures; at least one of terminals, timeouts and
            next_observations; and actions, if any. All else is left out.
        oracle: array of true positions, such as qpos; by default none is read.
        max_bytes: refuse a file that says it unpacks to more.
        options: ``keys`` (arrays to observe instead, of ``observations/`` or of the file), ``layout``, ``drop_pauses``
            and ``max_jump``, those of `TrajectoryBuilder`.

    Returns:
        The dataset and what was mended.

    Raises:
        MissingFileError: if there is no such file.
        CorruptFileError: if it is truncated or damaged, or no .npz at all.
        FileTooLargeError: if it unpacks to more than max_bytes.
        UnsafeFileError: if an array that is needed holds Python objects.
        SourceError: if arrays are missing, do not fit each other, or hold what a dataset cannot.
    """
    path = Path(path)
    gathering = TrajectoryBuilder(**options)
    headers = list_arrays(path, max_bytes=max_bytes)
    if "manifest" in headers:
        raise SourceError(f"{path} is a file of plan2vec already; open it with load_dataset")

    def read(names: list[str]) -> dict:
        for name in names:
            if headers[name][1].hasobject:
                raise UnsafeFileError(
                    f"{path}, {name} holds Python objects, which are not read; save it as a plain array of numbers"
                )
        return read_arrays(path, names, max_bytes=max_bytes)

    return read_flat(str(path), headers, read, gathering, oracle)


def _sniff(path: Path) -> bool:
    try:
        return path.is_file() and looks_flat(list_arrays(path, max_bytes=2**63))  # headers only, whatever the size
    except StorageError:
        return False


FORMAT = Format(
    name="flat-npz",
    doc="a .npz of flat arrays as of OGBench: observations, actions, and terminals, timeouts or next_observations",
    sniff=_sniff,
    read=read_flat_npz,
)
