"""Arrays that are new to whoever gets them, in memory that others have given up."""

from __future__ import annotations

from typing import Any

import numpy as np

_LARGE = 2**20  # bytes, 256 frames; a smaller array costs less to make than to lend
_KEPT = 6  # blocks: three arrays that a step returns, while the caller still holds those of the step before


class BufferPool:
    """Makes arrays of one shape; the memory of large ones is used again when no array that shows it is left.

    Memory of large arrays that are made and dropped in every step may go back to the system each time and come again
    page by page, by thresholds that depend on all that the process did before; that costs several times what filling it
    does. Who keeps an array, or any view of it, keeps it for good: its memory is used again only after Python has
    dropped the last object that refers to it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        """Make arrays of this shape and dtype."""
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._lends = int(np.prod(shape)) * self._dtype.itemsize >= _LARGE
        self._free: list[np.ndarray] = []

    def empty(self) -> np.ndarray:
        """An array that nobody else holds, with anything in it."""
        if not self._lends:
            return np.empty(self._shape, self._dtype)
        try:
            block = self._free.pop()
        except IndexError:
            block = np.empty(self._shape, self._dtype)
        return np.asarray(_Loan(block, self._free))

    def copy(self, array: np.ndarray) -> np.ndarray:
        """The same numbers in an array that nobody else holds."""
        copied = self.empty()
        copied[...] = array
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy of a lender has memory of its own."""
        return BufferPool, (self._shape, self._dtype)


class _Loan:
    """What a lent array refers to as the owner of its memory: it dies with the last array that shows the block."""

    def __init__(self, block: np.ndarray, free: list[np.ndarray]) -> None:
        self._block, self._free = block, free
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        if len(self._free) < _KEPT:
            self._free.append(self._block)
