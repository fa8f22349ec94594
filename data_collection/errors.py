"""Everything that can be wrong with a dataset or with the file that holds it."""

from __future__ import annotations

# Passed on for `agents`, which may import nothing below this package.
from plan2vec_envs.errors import Plan2vecError as Plan2vecError
from plan2vec_envs.errors import check_name as check_name
from plan2vec_envs.errors import suggest as suggest


class DatasetError(Plan2vecError, ValueError):
    """A record is not well formed; the message names the field, what was found and what is needed."""


class EmptyDatasetError(DatasetError):
    """A dataset must hold at least one episode, and an episode at least one transition."""


class WrongEnvError(DatasetError):
    """A dataset was collected in another environment than the one it is wanted for."""


class StorageError(Plan2vecError, OSError):
    """A file could not be written or read; nothing was left half-written."""


class MissingFileError(StorageError, FileNotFoundError):
    """There is no file at this path."""


class DiskFullError(StorageError):
    """The disk ran out of space during a write; the target is as it was before."""


class CorruptFileError(StorageError):
    """A file is truncated or damaged, or its contents do not match its checksums."""


class FormatVersionError(StorageError):
    """A file is no dataset of ours, or was written in a format that this version does not read."""


class FileTooLargeError(StorageError):
    """A file says that it unpacks to more than the limit; it was not decoded."""
