"""Foreign recordings into datasets. An open folder: each module holds one format, called ``FORMAT``.

``FORMATS`` maps names to formats; `sources.reading` recognises a file by them and reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...records import Dataset
from ...registry import Registry
from ..repairs import EpisodeRepairs

FORMATS = Registry("format", __name__, holds="FORMAT")


@dataclass(frozen=True)
class Format:
    """One way in which others keep recordings; each lives in a file of its own in this folder.

    Attributes:
        name: what it is called, as in the file's name, with dashes.
        doc: what it looks like, in one line.
        sniff: whether a file or folder looks like it, from names and headers alone; raises nothing.
        read: ``(path, *, its own options) -> (dataset, repairs)``; its StorageErrors name the file and the place.
    """

    name: str
    doc: str
    sniff: Callable[[Path], bool]
    read: Callable[..., tuple[Dataset, EpisodeRepairs]]
