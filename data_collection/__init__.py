"""Collect experience, hold it in validated records, store it. Imports point down to `plan2vec_envs` only."""

from plan2vec_envs.io.files import atomic_write

from .cache import cache_dir
from .collection.collect import collect
from .collection.drives import collect_drives
from .collection.make import make_dataset
from .collection.policies import Policy, UniformPolicy
from .collection.rope import collect_rope, collect_rope_sequence
from .engines import get_engine
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
from .sources.frame_worlds import world_of_dataset
from .storage import load_dataset, read_manifest, save_dataset

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
    "read_manifest",
    "save_dataset",
    "world_of_dataset",
]
