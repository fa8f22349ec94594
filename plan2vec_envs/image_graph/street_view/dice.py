"""Random numbers that are functions of integers: no state, so no order and no batch can change them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

_GOLDEN = 0x9E3779B9
LOOK = 0  # a key of everything that is drawn: other numbers are other cities, and another version of the renderer


def hashed(*keys: ArrayLike) -> np.ndarray:
    """Hash whole numbers to 32 bits, entry by entry.

    Args:
        keys: whole numbers of shapes that broadcast; their lowest 32 bits count.

    Returns:
        uint32 of the broadcast shape, (1,) when all keys are single numbers.
    """
    state = np.full(1, _GOLDEN, np.uint32)
    for key in keys:
        state = _mix(state * np.uint32(5) ^ np.asarray(key).astype(np.uint32))
    return state


def uniform(*keys: ArrayLike) -> np.ndarray:
    """The hash of whole numbers as float32 in [0, 1)."""
    return (hashed(*keys) >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def normals(keys: np.ndarray, count: int) -> np.ndarray:
    """Numbers that are nearly normal (the sum of four uniform bytes), bounded by +-3.5.

    Args:
        keys: (B,) uint32 hashes; each starts a series of its own.
        count: length of a series.

    Returns:
        (B, count) float32 of mean 0 and standard deviation 1.
    """
    steps = np.arange(count, dtype=np.uint32) * np.uint32(_GOLDEN)
    bits = _mix(keys[:, None] + steps)
    pairs = (bits & np.uint32(0x00FF00FF)) + ((bits >> np.uint32(8)) & np.uint32(0x00FF00FF))
    total = (pairs & np.uint32(0xFFFF)) + (pairs >> np.uint32(16))
    return (total.astype(np.float32) - np.float32(4 * 127.5)) * np.float32(1 / np.sqrt(4 * (256**2 - 1) / 12))


def _mix(bits: np.ndarray) -> np.ndarray:
    """Every bit of the result depends on every bit of the argument; the constants are lowbias32's."""
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
    return bits ^ (bits >> np.uint32(16))
