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
        last_actions: dropped actions of last frames, which lead to nothing that was recorded.
        pauses: dropped steps in which nothing changed, where that was asked for.
        timeouts: cuts where a recorder ran out of time, which is no end of the world.
        jumps: cuts where two rows in a row do not belong together, such as a reset that nothing marks.
        notes: what else the data is not as it was: another dtype or layout, arrays that were left out.
    """

    empty_trajectories: int = 0
    single_frames: int = 0
    last_actions: int = 0
    pauses: int = 0
    timeouts: int = 0
    jumps: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For instance 'dropped 1 empty trajectory; cut at 2 time-outs; observations float64 to float32'."""
        parts = [
            _counted("dropped", ((getattr(self, kind), words) for kind, words in _EPISODE_WORDS.items())),
            _counted("cut at", ((getattr(self, kind), words) for kind, words in _CUT_WORDS.items())),
            *self.notes,
        ]
        return "; ".join(part for part in parts if part) or _NOTHING

    def __bool__(self) -> bool:
        """Whether there is anything to say."""
        return str(self) != _NOTHING


def _dropped(counts: Iterable[tuple[int, tuple[str, str]]]) -> str:
    return _counted("dropped", counts) or _NOTHING


def _counted(verb: str, counts: Iterable[tuple[int, tuple[str, str]]]) -> str:
    found = ", ".join(f"{count:,} {words[count != 1]}" for count, words in counts if count)
    return f"{verb} {found}" if found else ""


_NOTHING = "nothing to repair"
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
    "last_actions": ("last action that leads nowhere", "last actions that lead nowhere"),
    "pauses": ("step in which nothing changed", "steps in which nothing changed"),
}
_CUT_WORDS = {
    "timeouts": ("time-out", "time-outs"),
    "jumps": ("jump", "jumps"),
}
