"""Laying arrays end to end, and taking stretches out of them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import DatasetError


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Concatenation of arange(start, start + length) for every pair."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)


def joined(arrays: list[np.ndarray], name: str) -> np.ndarray:
    """Arrays end to end; DatasetError if they are not of one kind."""
    kinds = {(array.shape[1:], array.dtype.str) for array in arrays}
    if len(kinds) > 1:
        raise DatasetError(f"episodes differ in the shape or dtype of {name}: {sorted(map(str, kinds))}; need one kind")
    return np.concatenate(arrays)


def joined_or_none(arrays: Sequence[np.ndarray | None], name: str) -> np.ndarray | None:
    """Arrays end to end, None if none is there; DatasetError if only some are."""
    present = [array for array in arrays if array is not None]
    if present and len(present) != len(arrays):
        raise DatasetError(f"only {len(present)} of {len(arrays)} episodes have {name}; need all or none")
    return joined(present, name) if present else None
