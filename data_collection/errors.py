"""Everything that can be wrong with a dataset, and with the file that holds it."""

from __future__ import annotations

from importlib import import_module
from numbers import Integral
from typing import Any

# Passed on for `agents`, which may import nothing below this package.
from plan2vec_envs.errors import CorruptFileError as CorruptFileError
from plan2vec_envs.errors import DiskFullError as DiskFullError
from plan2vec_envs.errors import FileTooLargeError as FileTooLargeError
from plan2vec_envs.errors import FormatVersionError as FormatVersionError
from plan2vec_envs.errors import InvalidOptionError as InvalidOptionError
from plan2vec_envs.errors import MissingExtraError as MissingExtraError
from plan2vec_envs.errors import MissingFileError as MissingFileError
from plan2vec_envs.errors import Plan2vecError as Plan2vecError
from plan2vec_envs.errors import StorageError as StorageError
from plan2vec_envs.errors import check_name as check_name
from plan2vec_envs.errors import suggest as suggest


class DatasetError(Plan2vecError, ValueError):
    """A record is not well formed; the message names the field, what was found and what is needed."""


class EmptyDatasetError(DatasetError):
    """A dataset must hold at least one episode, and an episode at least one transition."""


class WrongEnvError(DatasetError):
    """A dataset was collected in another environment than the one it is wanted for."""


class WorkerError(Plan2vecError, RuntimeError):
    """A process that was to do a part of the work died or cannot be given it."""


def check_whole(least: int, **values: object) -> None:
    """Refuse values that are no whole numbers, or too small.

    Raises:
        InvalidOptionError: naming the first.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise InvalidOptionError(f"{name}={value!r} must be a whole number, at least {least}")


def import_extra(module: str, purpose: str, extra: str) -> Any:
    """A module that only an extra of the project installs.

    Raises:
        MissingExtraError: naming package and extra, if it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.removeprefix("google.").split(".")[0]
        raise MissingExtraError(f"{purpose} needs {package}; install it with `pip install -e '.[{extra}]'`") from error
