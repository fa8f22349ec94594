"""Collect experience, hold it in validated records, store it. Imports point down to `plan2vec_envs` only.

What collects is loaded on first use, so that learning from a dataset imports no simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    CorruptFileError,
    DatasetError,
    DiskFullError,
    EmptyDatasetError,
    FileTooLargeError,
    FormatVersionError,
    MissingFileError,
    StorageError,
    WrongEnvError,
)
from .pairs import PairBatch
from .records import Dataset, Episode
from .storage import atomic_write, cache_dir, load_dataset, read_manifest, save_dataset

if TYPE_CHECKING:
    from .collection.collect import Policy, UniformPolicy, collect
    from .collection.drives import collect_drives
    from .collection.make import make_dataset
    from .collection.rope import collect_rope, collect_rope_sequence
    from .engines import get_engine
    from .sources.frame_worlds import world_of_dataset
    from .sources.reading import read

_ON_FIRST_USE = {
    "Policy": "collection.collect",
    "UniformPolicy": "collection.collect",
    "collect": "collection.collect",
    "collect_drives": "collection.drives",
    "collect_rope": "collection.rope",
    "collect_rope_sequence": "collection.rope",
    "get_engine": "engines",
    "make_dataset": "collection.make",
    "read": "sources.reading",
    "world_of_dataset": "sources.frame_worlds",
}

__all__ = [
    "CorruptFileError",
    "Dataset",
    "DatasetError",
    "DiskFullError",
    "EmptyDatasetError",
    "Episode",
    "FileTooLargeError",
    "FormatVersionError",
    "MissingFileError",
    "PairBatch",
    "Policy",
    "StorageError",
    "UniformPolicy",
    "WrongEnvError",
    "atomic_write",
    "cache_dir",
    "collect",
    "collect_drives",
    "collect_rope",
    "collect_rope_sequence",
    "get_engine",
    "load_dataset",
    "make_dataset",
    "read",
    "read_manifest",
    "save_dataset",
    "world_of_dataset",
]


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_ON_FIRST_USE[name]}", __name__), name)
