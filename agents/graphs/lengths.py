"""Distances of many pairs of rows, measured by differences and a part at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

_AT_ONCE = 500_000  # numbers that are compared together: a few megabytes


def squared_lengths(table: np.ndarray, pairs: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Squared Euclidean distances of pairs of rows, (V, ...) and (E, 2) -> (E,) of ``dtype``, in which they are taken.

    Expanding the square would cancel where coordinates are large and gaps small.
    """
    table = table.reshape(len(table), -1) if table.ndim > 2 else table
    found = np.empty(len(pairs), dtype)
    for part in _parts(table, pairs):
        left, right = pairs[part].T
        found[part] = np.square(table[left].astype(dtype) - table[right].astype(dtype)).sum(1)
    return found


def differ(table: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Whether pairs of rows differ in any entry, (V, ...) and (E, 2) -> (E,) bool."""
    found = np.empty(len(pairs), bool)
    for part in _parts(table, pairs):
        left, right = pairs[part].T
        found[part] = (table[left] != table[right]).reshape(len(left), -1).any(1)
    return found


def _parts(table: np.ndarray, pairs: np.ndarray) -> Iterator[slice]:
    at_once = max(1, _AT_ONCE // max(1, math.prod(table.shape[1:])))
    for i in range(0, len(pairs), at_once):
        yield slice(i, i + at_once)


def lengths_of(latents: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """D of pairs of vertices, (V, D) and (E, 2) -> (E,), in the precision of the latents."""
    return np.sqrt(squared_lengths(latents, pairs, latents.dtype))
