"""What a planner may spend: how far it looks, how much it remembers, how often it expands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchBudget:
    """The limits of one plan; ``None`` is no limit.

    Attributes:
        lookahead: k, edges from the current vertex to the rim of the ball that a walk looks at, at least 1.
        queue_size: |H|, entries that the open list keeps, best first, at least 1; 1 is the reactive regime.
        max_expansions: Vertices a plan may expand, at least 0; the plan fails where it would need one more.
    """

    lookahead: int = 1
    queue_size: int | None = None
    max_expansions: int | None = None

    def __post_init__(self) -> None:
        if self.lookahead < 1:
            raise ValueError(f"lookahead is {self.lookahead}; need at least 1 edge")
        if self.queue_size is not None and self.queue_size < 1:
            raise ValueError(f"queue_size is {self.queue_size}; need at least 1 entry, or None for no limit")
        if self.max_expansions is not None and self.max_expansions < 0:
            raise ValueError(f"max_expansions is {self.max_expansions}; need at least 0, or None for no limit")

    @property
    def expansions(self) -> int:
        """``max_expansions`` as a number to compare with."""
        return 2**62 if self.max_expansions is None else self.max_expansions
