"""Flat arrays in HDF5, as of D4RL; see `flat` for their layout. The extra `data` reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.errors import MissingExtraError, Plan2vecError
from plan2vec_envs.io.archive import MAX_BYTES

from ...records import Dataset
from ..files.hdf5 import arrays_in, has_signature, members, open_hdf5, read_numbers, require_room
from ..flat import looks_flat, read_flat
from ..repairs import EpisodeRepairs
from ..trajectory_builder import TrajectoryBuilder
from . import Format


def read_flat_hdf5(
    path: str | os.PathLike[str],
    *,
    oracle: str | None = None,
    max_bytes: int = MAX_BYTES,
    **options: Any,
) -> tuple[Dataset, EpisodeRepairs]:
    """Trajectories laid end to end in flat arrays.

    Args and Returns are those of `flat_npz.read_flat_npz`, with groups for slashes: ``infos/qpos``.

    Raises:
        MissingExtraError: if h5py is not installed.
        MissingFileError: if there is no such file.
        CorruptFileError: if it is truncated or damaged, or no HDF5 file at all.
        FileTooLargeError: if the arrays that are needed take more than max_bytes.
        SourceError: if arrays are missing, lie in other files, do not fit each other, or hold what a dataset cannot.
    """
    path = Path(path)
    gathering = TrajectoryBuilder(**options)
    with open_hdf5(path) as file:
        arrays = arrays_in(file, str(path))

        def read(names: list[str]) -> dict[str, np.ndarray]:
            require_room((arrays[name] for name in names), str(path), max_bytes)
            return {name: read_numbers(arrays[name], f"{path}, {name}") for name in names}

        return read_flat(str(path), arrays, read, gathering, oracle)


def _sniff(path: Path) -> bool:
    if not path.is_file() or not has_signature(path):
        return False
    try:
        with open_hdf5(path) as file:
            return looks_flat(members(file, str(path)))
    except MissingExtraError:
        return True  # what is inside cannot be seen, and reading says what to install
    except Plan2vecError:
        return False


FORMAT = Format(
    name="flat-hdf5",
    doc="the same flat arrays in HDF5, as of D4RL",
    sniff=_sniff,
    read=read_flat_hdf5,
)
