"""Folders of Causal-InfoGAN's rope: one a run, with pictures and the table of actions that led from one to the next."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from plan2vec_envs.errors import MissingFileError, SourceError

from ...arrays import misfit
from ...records import Dataset
from ..files.object_arrays import peek_array
from ..files.picture_runs import MAX_PICTURE_BYTES, any_run, pictures_of, read_picture, read_table, runs_of
from ..files.pictures import decode_square
from ..repairs import EpisodeRepairs
from ..trajectory_builder import TrajectoryBuilder
from . import Format

LEAST_COLUMNS = 5  # four numbers of an action at least, and whether it was one
SUFFIXES = {".jpg", ".jpeg"}


def read_rope_pictures(path: str | os.PathLike[str]) -> tuple[Dataset, EpisodeRepairs]:
    """Runs, each cut into trajectories where the rope was reset: no transition leads over a reset or into another run.

    Args:
        path: folder of run_00/ and on. Each holds pictures (JPEG), which count in the order of their names, and
            actions.npy (T, A + 1), A >= 4, a row for each picture: what was done there, and last 1 if it led to
            the next picture or 0 if the rope was reset. The last row never leads on, whatever it says.

    Returns:
        A dataset of grey pictures (N, 1, 64, 64) uint8, the middle square of each, with actions (M, A) float32; and
        what was dropped: runs without a picture, and pictures between two resets.

    Raises:
        MissingFileError: if the folder, or the actions of a run, are not there.
        CorruptFileError: if a file is truncated or damaged.
        FileTooLargeError: if a picture has more than 40 megapixels or 100 MB.
        SourceError: if pictures and actions do not fit each other, or a number is none; or if nothing is left.
    """
    folder = Path(path)
    gathering = TrajectoryBuilder()
    for run in runs_of(folder):
        pictures = pictures_of(run, SUFFIXES)
        actions, leads_on = _read_actions(run / "actions.npy", len(pictures))
        frames = [decode_square(read_picture(picture, MAX_PICTURE_BYTES), str(picture)) for picture in pictures]
        gathering.counts["empty_trajectories"] += not frames
        first = 0
        for end in np.flatnonzero(~leads_on) + 1:  # the last picture leads nowhere, so every one is in a stretch
            where = f"{run}, pictures {first} to {end - 1}"
            gathering.add(np.stack(frames[first:end]), actions[first : end - 1], where=where)
            first = int(end)
    return gathering.dataset(str(folder)), gathering.repairs()


def _read_actions(path: Path, num_pictures: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, A) float32 actions, finite where they lead on, and (T,) bool whether they do."""
    try:
        table = read_table(path, "(T, A + 1)")
    except MissingFileError as error:
        raise MissingFileError(f"there is no file {path}, which says where this run was reset") from error
    if table.ndim != 2 or table.shape[1] < LEAST_COLUMNS or table.dtype.kind not in "uif":
        need = f"numbers (T, {LEAST_COLUMNS}) or wider: an action, and last 1 for a move or 0 for a reset"
        raise SourceError(misfit(str(path), table, need))
    if len(table) != num_pictures:
        raise SourceError(
            f"{path} has {len(table)} rows, but there are {num_pictures} pictures beside it; need one a picture. Is a "
            "file missing?"
        )
    flags = np.asarray(table[:, -1])
    bad = np.flatnonzero((flags != 0) & (flags != 1))
    if len(bad):
        raise SourceError(
            f"{path}, row {bad[0]}: the last number is {flags[bad[0]]}; need 1 for a move, 0 for a reset. "
            "If all columns are the action, say so with --format picture-folders"
        )
    leads_on = flags == 1
    leads_on[-1:] = False
    with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused below
        actions = np.asarray(table[:, :-1]).astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(actions).all(1) & leads_on)
    if len(bad):
        raise SourceError(f"{path}, row {bad[0]}: a move of {table[bad[0], :-1].tolist()}; need finite numbers")
    return actions, leads_on


def _sniff(path: Path) -> bool:
    return any_run(path, SUFFIXES, _has_flags)


def _has_flags(run: Path) -> bool:
    """Whether its table is wide enough for flags, or damaged; a narrower one is of `picture_folders`."""
    table = run / "actions.npy"
    shape, _ = peek_array(table) or ((0, LEAST_COLUMNS), None)
    return table.is_file() and len(shape) == 2 and shape[1] >= LEAST_COLUMNS


FORMAT = Format(
    name="rope-pictures",
    doc="a folder like Causal-InfoGAN's rope_full: run_00/ and on, each with JPEGs and actions.npy",
    sniff=_sniff,
    read=read_rope_pictures,
)
