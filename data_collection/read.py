"""A `Dataset` of somebody else's data, and one line that says what was mended in it; all work is in `sources`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Dataset

Report = Callable[[str], object] | None


def read(path: str | os.PathLike[str], format: str | None = None, *, report: Report = print, **options: Any) -> Dataset:
    """Read a recording of any known format.

    Args:
        path: A file or a folder; for "minari" the id of a dataset too.
        format: One of `sources.FORMATS`; by default the one that the file or folder looks like.
        report: Told in one line what was mended or left out; None for silence. Data that needed nothing is read
            without a word.
        options: ``env_id`` and ``num_actions`` (see `Dataset`), and those of the format's own function in
            `sources.formats`.

    Returns:
        The dataset.

    Raises:
        MissingFileError: if there is nothing at the path.
        UnknownNameError: if there is no such format.
        InvalidOptionError: if the format has no such option, or the path looks like several formats.
        StorageError: if the files cannot be read, or say nothing usable.
    """
    from .sources.reading import read_recording  # lazily: reading is above the records that it makes

    fields = {name: options.pop(name) for name in ("env_id", "num_actions") if name in options}
    dataset, repairs = read_recording(path, format, **options)
    if repairs and report is not None:
        report(f"{os.fspath(path)}: {repairs}")
    return replace(dataset, **fields) if fields else dataset


def read_foreign_episodes(episodes: list[Any], report: Report, **options: Any) -> Dataset:
    """See `sources.episodes.read_episodes`, whose options these are."""
    from .sources.episodes import read_episodes
    from .sources.reading import check_options

    check_options("from_episodes", read_episodes, options)
    dataset, repairs = read_episodes(episodes, **options)
    if repairs and report is not None:
        report(f"episodes: {repairs}")
    return dataset
