"""What a format of foreign recordings is; each lives in a file of its own in `formats`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..records import Dataset
from .repairs import EpisodeRepairs


@dataclass(frozen=True)
class Format:
    """One way in which others keep recordings.

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
