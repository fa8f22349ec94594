"""``new_rope.npy``, the rope of the paper: one file, an object array of trajectories of pictures, without actions."""

from __future__ import annotations

import os
import reprlib
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.errors import SourceError

from ...arrays import misfit
from ...records import Dataset
from ..files.object_arrays import peek_array, read_array
from ..repairs import EpisodeRepairs
from ..trajectory_builder import TrajectoryBuilder
from . import Format

SIZE = 64
_FRAME = (SIZE, SIZE, 1)
MAX_BYTES = 1_000_000_000  # the 14,146 pictures of the paper take 464 MB as float64, in old files up to twice that


def read_rope_arrays(path: str | os.PathLike[str], *, allow_objects: bool = False) -> tuple[Dataset, EpisodeRepairs]:
    """Trajectories of one array each; no transition leads from one to the next.

    Args:
        path: a .npy file, an object array of K arrays (T_k, 64, 64, 1) of numbers 0 to 255; or the plain array
            (K, T, 64, 64, 1) that numpy makes of trajectories of one length.
        allow_objects: read the object array; see `object_arrays`.

    Returns:
        A dataset (N, 1, 64, 64) uint8 without actions, fractions rounded; and what was dropped: trajectories of no
        or one frame.

    Raises:
        MissingFileError: if there is no such file.
        UnsafeFileError: if it is an object array and that was not allowed, or it asks for more than data.
        FileTooLargeError: if it is an object array of more than 1 GB.
        CorruptFileError: if it is truncated or damaged.
        SourceError: if a trajectory has another shape or dtype, or a value is none of 0 to 255; or if nothing is left.
    """
    path = Path(path)
    arrays = read_array(path, allow_objects=allow_objects, max_object_bytes=MAX_BYTES)
    if isinstance(arrays, np.ndarray) and (arrays.ndim != 5 or arrays.shape[2:] != _FRAME):
        need = "an object array of trajectories (T, 64, 64, 1), or a plain one (K, T, 64, 64, 1)"
        raise SourceError(misfit(f"{path}, one array,", arrays, need))
    gathering, brightest = TrajectoryBuilder(), 0.0
    for number in range(len(arrays)):
        where = f"{path}, trajectory {number}"
        frames = _checked(arrays[number], where)
        brightest = max(brightest, float(frames.max(initial=0)))
        gathering.add(np.rint(frames).astype(np.uint8, order="C").reshape(-1, 1, SIZE, SIZE), where=where)
    dataset = gathering.dataset(str(path))
    if brightest <= 1:
        raise SourceError(
            f"{path}: no value is larger than {brightest:g}; need 0 to 255. Were the pictures scaled to [0, 1]? "
            "Multiply them by 255"
        )
    return dataset, gathering.repairs()


def _checked(trajectory: Any, where: str) -> np.ndarray:
    """(T, 64, 64, 1) of numbers 0 to 255."""
    if not isinstance(trajectory, np.ndarray):
        raise SourceError(f"{where}: {reprlib.repr(trajectory)}; need an array (T, 64, 64, 1) of numbers 0 to 255")
    if trajectory.ndim != 4 or trajectory.shape[1:] != _FRAME or trajectory.dtype.kind not in "uif":
        raise SourceError(misfit(where, trajectory, "numbers (T, 64, 64, 1)"))
    for frame, pixels in enumerate(trajectory):  # one by one: no mask as large as the trajectory
        good = (pixels >= 0) & (pixels <= 255)  # NaN is neither
        if not good.all():
            row, column = np.argwhere(~good[..., 0])[0].tolist()
            raise SourceError(
                f"{where}, frame {frame}: pixel ({row}, {column}) is {pixels[row, column, 0]}; need numbers 0 to 255"
            )
    return trajectory


def _sniff(path: Path) -> bool:
    if (header := peek_array(path)) is None:
        return False
    shape, dtype = header
    if not dtype.hasobject:
        return len(shape) == 5 and shape[2:] == _FRAME
    # Other lists are object arrays too, of places or of walks, but need not a picture's bytes for each entry.
    return len(shape) == 1 and path.stat().st_size >= shape[0] * SIZE * SIZE


FORMAT = Format(
    name="rope-arrays",
    doc="a .npy file like new_rope.npy: an object array of trajectories (T, 64, 64, 1), values 0 to 255",
    sniff=_sniff,
    read=read_rope_arrays,
)
