"""What was left out of a source, counted: bad input is a named error or one of these, never silence."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

_NOTHING = "nothing to repair"


def _count(one: str, many: str, verb: str = "dropped") -> Any:
    """A number of repairs, what was done by them, and the words for one and for many."""
    return field(default=0, metadata={"verb": verb, "words": (one, many)})


def _counted(repairs: Any, verb: str) -> str:
    """For instance 'dropped 3 self links, 1 duplicate link'; empty where there is nothing of the kind."""
    kinds = [kind for kind in fields(repairs) if kind.metadata.get("verb") == verb]
    counts = [(getattr(repairs, kind.name), kind.metadata["words"]) for kind in kinds]
    found = ", ".join(f"{count:,} {words[count != 1]}" for count, words in counts if count)
    return f"{verb} {found}" if found else ""


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

    self_links: int = _count("self link", "self links")
    duplicate_links: int = _count("duplicate link", "duplicate links")
    unknown_links: int = _count("link to an unknown panorama", "links to unknown panoramas")
    duplicate_places: int = _count("repeated panorama", "repeated panoramas")
    unpictured_places: int = _count("panorama without a picture", "panoramas without a picture")
    unconnected_places: int = _count("place outside of the largest piece", "places outside of the largest piece")
    pieces: int = 1

    def __str__(self) -> str:
        """For instance 'dropped 3 self links, 1 duplicate link; 2 pieces that do not reach each other'."""
        line = _counted(self, "dropped") or _NOTHING
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

    empty_trajectories: int = _count("empty trajectory", "empty trajectories")
    single_frames: int = _count("trajectory of one frame", "trajectories of one frame")
    last_actions: int = _count("last action that leads nowhere", "last actions that lead nowhere")
    pauses: int = _count("step in which nothing changed", "steps in which nothing changed")
    timeouts: int = _count("time-out", "time-outs", "cut at")
    jumps: int = _count("jump", "jumps", "cut at")
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For instance 'dropped 1 empty trajectory; cut at 2 time-outs; observations float64 to float32'."""
        parts = [_counted(self, "dropped"), _counted(self, "cut at"), *self.notes]
        return "; ".join(part for part in parts if part) or _NOTHING

    def __bool__(self) -> bool:
        """Whether there is anything to say."""
        return str(self) != _NOTHING
