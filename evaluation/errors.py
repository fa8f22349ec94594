"""What can go wrong while judging agents; every class is a `Plan2vecError`, so the CLI prints one line."""

from __future__ import annotations

from plan2vec_envs.errors import Plan2vecError


class ResultsError(Plan2vecError, ValueError):
    """A results or task file does not say what it should."""


class RunFolderError(Plan2vecError, OSError):
    """A run folder is missing, incomplete, or a path would leave it."""


class RunLockedError(RunFolderError):
    """Another process writes to this run folder."""


class ProtocolError(Plan2vecError, ValueError):
    """An agent cannot be judged by this protocol."""


class NotEnoughMemoryError(Plan2vecError, MemoryError):
    """A fit would need more memory than is free."""


class NoDisplayError(Plan2vecError, RuntimeError):
    """There is no screen to open a window on."""
