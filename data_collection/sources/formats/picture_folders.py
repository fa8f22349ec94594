"""Folders of image sequences: one a run, pictures of any size, grey or in colours, with or without actions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from plan2vec_envs.errors import InvalidOptionError, MissingFileError, SourceError

from ...records import Dataset
from ..files.picture_runs import MAX_PICTURE_BYTES, any_run, pictures_of, read_picture, read_table, runs_of
from ..files.pictures import decode_picture, middle_square
from ..repairs import EpisodeRepairs
from ..trajectory_builder import TrajectoryBuilder
from . import Format, rope_pictures

SUFFIXES = {".png", ".jpg", ".jpeg"}


def read_picture_folders(
    path: str | os.PathLike[str],
    *,
    grey: bool = False,
    size: int | None = None,
    drop_pauses: bool = False,
    max_jump: float | None = None,
) -> tuple[Dataset, EpisodeRepairs]:
    """Runs of pictures; no transition leads from one run into another.

    Args:
        path: folder of run_00/ and on. Each holds pictures (PNG or JPEG), which count in the order of their names,
            and, all of them or none, actions.npy: (T - 1, A) or (T - 1,) for T pictures, or T rows, of which the
            last is dropped. Whole numbers (T,) are discrete actions.
        grey: make all pictures grey. By default they stay as they are, and must be all grey or all in colours.
        size: take the middle square of each picture, resized to so many pixels. By default they stay as they are,
            and must be of one size.
        drop_pauses: leave out steps in which nothing changed; see `TrajectoryBuilder`.
        max_jump: cut where a step leads farther; see `TrajectoryBuilder`.

    Returns:
        A dataset of pictures (N, C, H, W) uint8, C = 1 or 3 (red first), and what was mended.

    Raises:
        MissingFileError: if the folder, or the actions of a run where another has some, are not there.
        CorruptFileError: if a file is truncated or damaged.
        FileTooLargeError: if a picture has more than 40 megapixels or 100 MB.
        SourceError: if pictures and actions do not fit each other, pictures differ in kind, or nothing is left.
        InvalidOptionError: for a size below 1.
    """
    folder = Path(path)
    if size is not None and size < 1:
        raise InvalidOptionError(f"size={size} was asked for; need at least 1 pixel, or None to leave pictures as is")
    runs = runs_of(folder)
    gathering = TrajectoryBuilder(layout="hwc", drop_pauses=drop_pauses, max_jump=max_jump)
    tables = [run for run in runs if (run / "actions.npy").is_file()]
    for run in runs:
        pictures = pictures_of(run, SUFFIXES)
        if tables and pictures and run not in tables:
            raise MissingFileError(
                f"there is no file {run / 'actions.npy'}, but {tables[0].name} has one; need all or none"
            )
        frames = _frames(pictures, grey, size)
        actions = read_table(run / "actions.npy", "(T, A) or (T,)") if run in tables and pictures else None
        gathering.add(gathering.observations(frames, str(run)) if len(frames) else frames, actions, where=str(run))
    return gathering.dataset(str(folder)), gathering.repairs()


def _frames(pictures: Sequence[Path], grey: bool, size: int | None) -> np.ndarray:
    """(T, H, W, C) uint8, all of one shape."""
    frames: list[np.ndarray] = []
    for picture in pictures:
        frame = decode_picture(read_picture(picture, MAX_PICTURE_BYTES), str(picture))
        if grey and frame.ndim == 3:
            frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if size is not None:
            frame = middle_square(frame, size)
        frame = frame.reshape(*frame.shape[:2], -1)
        if frames and frame.shape != frames[0].shape:
            raise SourceError(
                f"{picture} is {_words(frame)}, {pictures[0].name} {_words(frames[0])}; need one kind. Say grey=True "
                "(--grey) for grey, size=64 (--size 64) for the middle square of each"
            )
        frames.append(frame)
    return np.stack(frames) if frames else np.empty((0, 1, 1, 1), np.uint8)


def _words(frame: np.ndarray) -> str:
    height, width, channels = frame.shape
    return f"{width} x {height} pixels {'grey' if channels == 1 else 'in colours'}"


def _sniff(path: Path) -> bool:
    return not rope_pictures.FORMAT.sniff(path) and any_run(path, SUFFIXES)  # the former is stricter


FORMAT = Format(
    name="picture-folders",
    doc="a folder of run_00/ and on, each with PNGs or JPEGs of any size and, if there are any, actions.npy",
    sniff=_sniff,
    read=read_picture_folders,
)
