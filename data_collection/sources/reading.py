"""All sources by name: recordings in any known format, recognised by their looks, and streets."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from plan2vec_envs.errors import InvalidOptionError, MissingFileError, SourceError, check_name
from plan2vec_envs.image_graph import WorldGraph

from ..records import Dataset
from .episodes import read_episodes
from .files.object_arrays import refuse_pointer
from .formats import FORMATS
from .repairs import EpisodeRepairs, Repairs
from .streets.leveldb import read_streetlearn_leveldb
from .streets.processed import read_streetlearn_processed
from .streets.streets import Box, Part
from .streets.touchdown import read_touchdown
from .trajectory_builder import TrajectoryBuilder

SOURCES: Mapping[str, Callable[..., tuple[WorldGraph, Repairs]]] = {
    "touchdown": read_touchdown,
    "streetlearn": read_streetlearn_leveldb,
    "streetlearn-processed": read_streetlearn_processed,
}


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
    fields = {name: options.pop(name) for name in ("env_id", "num_actions") if name in options}
    dataset, repairs = read_recording(path, format, **options)
    if repairs and report is not None:
        report(f"{os.fspath(path)}: {repairs}")
    return replace(dataset, **fields) if fields else dataset


def read_foreign_episodes(episodes: list[Any], report: Report, **options: Any) -> Dataset:
    """See `read_episodes`, whose options these are."""
    check_options("from_episodes", read_episodes, options)
    dataset, repairs = read_episodes(episodes, **options)
    if repairs and report is not None:
        report(f"episodes: {repairs}")
    return dataset


def recognise(path: str | os.PathLike[str]) -> str:
    """The name of the one format that a file or folder looks like; nothing is decoded.

    Raises:
        MissingFileError: if there is nothing.
        SourceError: if it looks like none, or is a pointer to a file that was not fetched.
        InvalidOptionError: if it looks like several.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(
            f"there is no file or folder {path}; if it is the id of a Minari dataset, say --format minari"
        )
    if path.is_file():
        refuse_pointer(path)
    found = [name for name, each in FORMATS.items() if each.sniff(path)]
    if len(found) > 1:
        raise InvalidOptionError(f"{path} looks like {' and like '.join(found)}; say which (--format)")
    if not found:
        looks = "; ".join(f"{name}, {each.doc}" for name, each in FORMATS.items())
        raise SourceError(
            f"{path} looks like no known format. Known: {looks}. If it is one of them, say which (--format)"
        )
    return found[0]


def read_recording(
    path: str | os.PathLike[str], format_name: str | None = None, **options: Any
) -> tuple[Dataset, EpisodeRepairs]:
    """What `read` reads, and what was mended in it; nothing is printed. Arguments and errors are those of `read`.

    Options are those of the format's own function alone.
    """
    chosen = FORMATS.find(recognise(path) if format_name is None else format_name)
    check_options(f"format {chosen.name!r}", chosen.read, options)
    return chosen.read(path, **options)


def read_streets(
    source: str,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    subset: str | Box | None = None,
    connected: bool = False,
    **options: Any,
) -> tuple[WorldGraph, Repairs]:
    """Read a street source.

    Args:
        source: one of `SOURCES`.
        path: where it lies.
        name: of the world; that of the subset by default, else that of the source.
        subset: one of `SUBSETS`, or a box.
        connected: keep only the largest piece within which every place reaches every other; the rest is counted.
        options: of that source's own function.

    Returns:
        The world and what was mended.

    Raises:
        UnknownNameError: if there is no such source or subset.
        InvalidOptionError: if the source has no such option.
        StorageError: if the files cannot be read, or say nothing usable.
    """
    reader = SOURCES[check_name("source", source, SOURCES)]
    check_options(f"source {source!r}", reader, options)
    return reader(path, Part(name, subset, connected), **options)


def check_options(what: str, reader: Callable[..., Any], options: Iterable[str]) -> None:
    """Refuse an option that is no keyword of this reader's own, nor of the `TrajectoryBuilder` that it hands others.

    Raises:
        InvalidOptionError: naming those that it has.
    """
    known = []
    for parameter in inspect.signature(reader).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            known.append(parameter.name)
        elif parameter.kind is parameter.VAR_KEYWORD:
            known += inspect.signature(TrajectoryBuilder).parameters
    for option in options:
        if option not in known:
            raise InvalidOptionError(
                f"{what} has no option {option!r}; it has {', '.join(known) if known else 'none of its own'}"
            )
