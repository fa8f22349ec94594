"""Collect experience, hold it in validated records, store it. Imports point down to `plan2vec_envs` only."""

from .errors import DatasetError, StorageError
from .pairs import PairBatch
from .records import Dataset, Episode

__all__ = ["Dataset", "DatasetError", "Episode", "PairBatch", "StorageError"]
