"""Errors a caller can meet, and the sentence that names the closest right spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Plan2vecError(Exception):
    """Any error that this project raises on purpose."""


class UnknownNameError(Plan2vecError, LookupError):
    """A name that is not registered: a room, an observation type, a named task."""


class InvalidOptionError(Plan2vecError, ValueError):
    """An option whose value cannot be used: a start inside a wall, a wrong shape, an unknown key."""


class InvalidActionError(Plan2vecError, ValueError):
    """An action outside the action space: a wrong type, shape or range."""


class FrameError(Plan2vecError, ValueError):
    """An image that does not show exactly one agent in this room."""


class WorldError(Plan2vecError, ValueError):
    """Places and links that make no world: a link to nowhere, a coordinate that is no number."""


class StorageError(Plan2vecError, OSError):
    """A file could not be written or read; nothing was left half-written."""


class MissingFileError(StorageError, FileNotFoundError):
    """There is no file at this path."""


class DiskFullError(StorageError):
    """The disk ran out of space during a write; the target is as it was before."""


class CorruptFileError(StorageError):
    """A file is truncated or damaged, or its contents do not match its checksums."""


class FormatVersionError(StorageError):
    """A file is not one of ours, or was written in a format that this version does not read."""


class FileTooLargeError(StorageError):
    """A file says that it unpacks to more than the limit; it was not decoded."""


class SourceError(StorageError, ValueError):
    """A file of foreign data does not say what its format promises; the message names the file and the place."""


class UnsafeFileError(SourceError):
    """A file holds Python objects, which are not read, or only the harmless ones of them on request."""


class MissingExtraError(Plan2vecError, ImportError):
    """A package is needed that only an extra of the project installs."""


def suggest(name: object, choices: Iterable[object]) -> str:
    """A sentence to append to an error message: the closest known name, then all of them.

    Args:
        name: what was asked for.
        choices: what would have been right.

    Returns:
        ``" Did you mean 'x'? Known: x, y."``, without the question if nothing is close.
    """
    known = [str(choice) for choice in choices]
    by_folded_name = {choice.casefold(): choice for choice in known}
    close = difflib.get_close_matches(str(name).casefold(), by_folded_name, n=1, cutoff=0.5)
    question = f" Did you mean '{by_folded_name[close[0]]}'?" if close else ""
    return f"{question} Known: {', '.join(known)}."


def check_name(kind: str, name: object, choices: Iterable[str]) -> str:
    """Return ``name`` if it is one of ``choices``.

    Raises:
        UnknownNameError: otherwise, naming the closest choice.
    """
    known = list(choices)
    if isinstance(name, str) and name in known:
        return name
    raise UnknownNameError(f"unknown {kind} {name!r}.{suggest(name, known)}")
