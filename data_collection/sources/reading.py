"""All street sources by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from plan2vec_envs.errors import check_name
from plan2vec_envs.image_graph import WorldGraph

from .options import check_options
from .repairs import Repairs
from .streets.geography import Box
from .streets.leveldb import read_streetlearn_leveldb
from .streets.processed import read_streetlearn_processed
from .streets.streets import Part
from .streets.touchdown import read_touchdown

SOURCES: Mapping[str, Callable[..., tuple[WorldGraph, Repairs]]] = {
    "touchdown": read_touchdown,
    "streetlearn": read_streetlearn_leveldb,
    "streetlearn-processed": read_streetlearn_processed,
}


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
