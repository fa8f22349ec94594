"""Collect experience, hold it in validated records, store it. Imports point down to `plan2vec_envs` only.

What collects is loaded on first use, so that learning from a dataset imports no simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import CorruptFileError as CorruptFileError
from .errors import DatasetError as DatasetError
from .errors import DiskFullError as DiskFullError
from .errors import EmptyDatasetError as EmptyDatasetError
from .errors import FileTooLargeError as FileTooLargeError
from .errors import FormatVersionError as FormatVersionError
from .errors import MissingFileError as MissingFileError
from .errors import StorageError as StorageError
from .errors import WrongEnvError as WrongEnvError
from .pairs import PairBatch as PairBatch
from .records import Dataset as Dataset
from .records import Episode as Episode
from .storage import atomic_write as atomic_write
from .storage import cache_dir as cache_dir
from .storage import load_dataset as load_dataset
from .storage import read_manifest as read_manifest
from .storage import save_dataset as save_dataset

if TYPE_CHECKING:
    from .collection.collect import collect as collect
    from .collection.drives import collect_drives as collect_drives
    from .collection.make import make_dataset as make_dataset
    from .collection.rope import collect_rope as collect_rope
    from .engines import get_engine as get_engine
    from .sources.frame_worlds import world_of_dataset as world_of_dataset
    from .sources.reading import read as read

_ON_FIRST_USE = {
    "collect": "collection.collect",
    "collect_drives": "collection.drives",
    "collect_rope": "collection.rope",
    "get_engine": "engines",
    "make_dataset": "collection.make",
    "read": "sources.reading",
    "world_of_dataset": "sources.frame_worlds",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_ON_FIRST_USE[name]}", __name__), name)
