"""What was left out of a source, counted: bad input is a named error or one of these, never silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Repairs:
    """How often a street source was mended, by kind; prints as one line.

    Attributes:
        self_links: dropped links from a place to itself.
        duplicate_links: dropped repetitions of a link; the first stays.
        unknown_links: dropped links from or to a panorama that is not listed.
        duplicate_places: dropped repetitions of a panorama, with the same coordinates.
        unpictured_places: dropped panoramas without a picture.
        unconnected_places: dropped places outside of the largest piece.
        pieces: how many pieces are left within which every place reaches every other; no repair, but worth knowing.
    """

    self_links: int = 0
    duplicate_links: int = 0
    unknown_links: int = 0
    duplicate_places: int = 0
    unpictured_places: int = 0
    unconnected_places: int = 0
    pieces: int = 1

    def __str__(self) -> str:
        """For instance 'dropped 3 self links, 1 duplicate link; 2 pieces that do not reach each other'."""
        line = _dropped((getattr(self, kind), words) for kind, words in _WORDS.items())
        return line if self.pieces == 1 else f"{line}; {self.pieces:,} pieces that do not reach each other"


@dataclass(frozen=True)
class EpisodeRepairs:
    """How often a recording was mended, by kind; prints as one line.

    Attributes:
        empty_trajectories: dropped trajectories without a frame.
        single_frames: dropped trajectories of one frame, from which no move leads on.
    """

    empty_trajectories: int = 0
    single_frames: int = 0

    def __str__(self) -> str:
        """For instance 'dropped 1 empty trajectory, 2 trajectories of one frame'."""
        return _dropped((getattr(self, kind), words) for kind, words in _EPISODE_WORDS.items())


def _dropped(counts: Iterable[tuple[int, tuple[str, str]]]) -> str:
    found = ", ".join(f"{count:,} {words[count != 1]}" for count, words in counts if count)
    return f"dropped {found}" if found else "nothing to repair"


_WORDS = {
    "self_links": ("self link", "self links"),
    "duplicate_links": ("duplicate link", "duplicate links"),
    "unknown_links": ("link to an unknown panorama", "links to unknown panoramas"),
    "duplicate_places": ("repeated panorama", "repeated panoramas"),
    "unpictured_places": ("panorama without a picture", "panoramas without a picture"),
    "unconnected_places": ("place outside of the largest piece", "places outside of the largest piece"),
}
_EPISODE_WORDS = {
    "empty_trajectories": ("empty trajectory", "empty trajectories"),
    "single_frames": ("trajectory of one frame", "trajectories of one frame"),
}
