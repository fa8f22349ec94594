"""The folders of the paper's authors: coordinates, walks over them, and panoramas in fixed-width rows.

They hold no street graph. Links are the steps of the recorded walks, or, as in the released code, all pairs that lie
close to each other.
"""

from __future__ import annotations

import itertools
import os
import reprlib
from collections.abc import Iterator
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from plan2vec_envs.errors import CorruptFileError, InvalidOptionError, MissingFileError, SourceError
from plan2vec_envs.image_graph import WorldGraph

from ..files.object_arrays import read_array
from ..files.pictures import decode_view
from ..repairs import Repairs
from .leveldb import LICENCE
from .streets import Part, Streets


def read_streetlearn_processed(
    path: str | os.PathLike[str],
    part: Part | None = None,
    *,
    allow_objects: bool = False,
    gps_radius: float | None = None,
    views: bool = True,
) -> tuple[WorldGraph, Repairs]:
    """Places, walks and panoramas as the paper's authors kept them.

    Args:
        path: folder with coords.npy (dicts of lat and lng), trajs.npy (lists of rows of it) and
            view_512/chunk_0000.npy and on (one JPEG a row).
        part: which places are wanted; only their pictures are decoded.
        allow_objects: read coords.npy and trajs.npy, which are object arrays; see `object_arrays`.
        gps_radius: degrees; link all pairs whose latitudes and longitudes differ by less in sum, in place of the
            steps of the walks. The released code suggests 2.5e-4.
        views: whether pictures are wanted.

    Returns:
        The world, with rows as place ids, and yaw 0 since it is not recorded; and what was mended.

    Raises:
        MissingFileError: if the folder or a file is not there.
        UnsafeFileError: if an object array is not allowed, or asks for more than data.
        SourceError: if the files do not fit each other.
        CorruptFileError: if a file or a picture is damaged.
        FileTooLargeError: if a picture has more than 40 megapixels.
    """
    if gps_radius is not None and not 0 < gps_radius < np.inf:
        raise InvalidOptionError(f"gps_radius is {gps_radius}; need degrees > 0, such as 2.5e-4")
    folder, part = Path(path), part or Part()
    if not folder.is_dir():
        raise MissingFileError(f"there is no folder {folder}; it must hold coords.npy, trajs.npy and view_512/")
    streets = _read_places(folder / "coords.npy", allow_objects)
    if gps_radius is None:
        steps = _read_steps(folder / "trajs.npy", allow_objects, len(streets.row_of))
    else:
        steps = _close_pairs(streets.lat_lng, gps_radius)
    for start, end in steps:
        streets.add_link(str(start), str(end))
    pictures = None
    if views:
        wanted = part.holds(streets.lat_lng)
        pictures = {str(row): decode_view(data, where) for row, data, where in _pictures(folder / "view_512", wanted)}
    return streets.world(part, source="streetlearn-processed", licence=LICENCE, views=pictures)


def _read_places(path: Path, allow_objects: bool) -> Streets:
    streets = Streets(path)
    entries = read_array(path, allow_objects=allow_objects)
    if not len(entries):
        raise SourceError(f"{path} lists no place; is it the right file, and whole?")
    for row, entry in enumerate(entries):
        where = f"{path}, row {row}"
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), Real) for key in ("lat", "lng")):
            raise SourceError(f"{where}: {reprlib.repr(entry)}; need a dict with numbers lat and lng")
        streets.add_place(str(row), float(entry["lat"]), float(entry["lng"]), 0.0, where=where)
    return streets


def _read_steps(path: Path, allow_objects: bool, num_places: int) -> list[tuple[int, int]]:
    """Every pair of consecutive places of every walk, once, in both directions; a walk that stands still says so."""
    steps: dict[tuple[int, int], None] = {}
    standing = []
    for row, walk in enumerate(read_array(path, allow_objects=allow_objects)):
        rows = list(_rows(walk, f"{path}, row {row}", num_places))
        for start, end in itertools.pairwise(rows):
            if start == end:
                standing.append((start, end))
            else:
                steps[start, end] = steps[end, start] = None
    return [*steps, *standing]


def _rows(walk: Any, where: str, num_places: int) -> Iterator[int]:
    if not isinstance(walk, list | tuple | np.ndarray):
        raise SourceError(f"{where}: {reprlib.repr(walk)}; need a list of rows of coords.npy")
    for entry in walk:
        if not isinstance(entry, Integral) or not 0 <= int(entry) < num_places:
            raise SourceError(
                f"{where}: {reprlib.repr(entry)}; need rows of coords.npy, 0 to {num_places - 1}. Do the "
                "files belong together?"
            )
        yield int(entry)


def _close_pairs(lat_lng: np.ndarray, radius: float) -> list[tuple[int, int]]:
    """Pairs closer than a radius by the sum of differences, in both directions."""
    pairs = cKDTree(lat_lng).query_pairs(radius, p=1, output_type="ndarray")
    closer = pairs[np.abs(lat_lng[pairs[:, 0]] - lat_lng[pairs[:, 1]]).sum(1) < radius]
    return [(int(start), int(end)) for start, end in np.concatenate([closer, closer[:, ::-1]])]


def _pictures(folder: Path, wanted: np.ndarray) -> Iterator[tuple[int, bytes, str]]:
    """Row, JPEG and place in the files, of every wanted place."""
    chunks = sorted(folder.glob("chunk_*.npy"))
    if not chunks:
        raise MissingFileError(f"there is no {folder / 'chunk_0000.npy'}; read the folder without views, or fetch them")
    first = 0
    for path in chunks:
        chunk = read_array(path)
        if not isinstance(chunk, np.ndarray) or chunk.dtype.kind != "S" or chunk.ndim != 1:
            what = f"shape {chunk.shape} and dtype {chunk.dtype}" if isinstance(chunk, np.ndarray) else "objects"
            raise SourceError(f"{path} holds {what}; need one row of bytes a picture")
        for row in range(first, min(first + len(chunk), len(wanted))):
            if wanted[row] and chunk[row - first]:
                yield row, bytes(chunk[row - first]), f"{path}, row {row - first} (place {row})"
        first += len(chunk)
    if first != len(wanted):
        raise CorruptFileError(
            f"{folder} holds {first} pictures in {len(chunks)} files, but coords.npy lists {len(wanted)} places; is a "
            "chunk missing?"
        )
