"""What makes a `Dataset` of somebody else's data: one function a format, each a line over `sources`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Dataset

Path = str | os.PathLike[str]
Report = Callable[[str], object] | None


class Readers:
    """Class methods of `Dataset`; those of one sort of file take the options of its function in `sources.formats`.

    All take ``env_id`` and ``num_actions`` (see `Dataset`), and ``report``, which is told in one line what was mended
    or left out: `print`, or None for silence. A dataset that needed nothing is read without a word.
    """

    @classmethod
    def from_npz(cls, path: Path, *, report: Report = print, **options: Any) -> Dataset:
        """Flat arrays as of OGBench or D4RL; options are those of `sources.formats.flat_npz.read_flat_npz`."""
        return _read(path, "flat-npz", report, options)

    @classmethod
    def from_hdf5(cls, path: Path, *, report: Report = print, **options: Any) -> Dataset:
        """The same in HDF5; options are those of `sources.formats.flat_hdf5.read_flat_hdf5`."""
        return _read(path, "flat-hdf5", report, options)

    @classmethod
    def from_minari(cls, path: Path, *, report: Report = print, **options: Any) -> Dataset:
        """A folder or an id of Minari; options are those of `sources.formats.minari.read_minari`."""
        return _read(path, "minari", report, options)

    @classmethod
    def from_folder(
        cls, path: Path, *, format_name: str | None = None, report: Report = print, **options: Any
    ) -> Dataset:
        """A folder of runs of pictures, of the format that it looks like or that is named.

        Options are those of `sources.formats.picture_folders.read_picture_folders`, or of whichever format it is.
        """
        return _read(path, format_name, report, options)


def read_foreign_episodes(episodes: list[Any], report: Report, **options: Any) -> Dataset:
    """See `sources.episodes.read_episodes`, whose options these are."""
    from .sources.episodes import read_episodes
    from .sources.options import check_options

    check_options("from_episodes", read_episodes, options)
    dataset, repairs = read_episodes(episodes, **options)
    if repairs and report is not None:
        report(f"episodes: {repairs}")
    return dataset


def _read(path: Path, format_name: str | None, report: Report, options: dict[str, Any]) -> Dataset:
    from .sources.recordings import read_recording  # these modules make datasets, so they import them first

    fields = {name: options.pop(name) for name in ("env_id", "num_actions") if name in options}
    dataset, repairs = read_recording(path, format_name, **options)
    if repairs and report is not None:
        report(f"{os.fspath(path)}: {repairs}")
    return replace(dataset, **fields) if fields else dataset
