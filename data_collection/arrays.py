"""Arrays of records: what each must look like, laid end to end, stretches taken out; failures are DatasetErrors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .errors import DatasetError

_BLOCK_BYTES = 1 << 26  # compared or checked at once, so that no mask as large as the data is built


def misfit(name: str, array: np.ndarray, need: str) -> str:
    """What is said of an array that is not as it must be."""
    return f"{name} has shape {array.shape} and dtype {array.dtype}; need {need}"


def frozen(array: np.ndarray) -> np.ndarray:
    """The same memory, read-only; neither copied nor locked for its owner."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def blocks(array: np.ndarray) -> Iterator[slice]:
    """Slices of rows, each small enough to be copied without harm."""
    step = max(1, _BLOCK_BYTES // max(1, 8 * int(np.prod(array.shape[1:]))))
    return (slice(first, min(first + step, len(array))) for first in range(0, len(array), step))


def float32(array: np.ndarray) -> tuple[np.ndarray, int | None]:
    """As float32, not copied where it is that already; and the first row that then holds NaN or infinity, if any."""
    with np.errstate(over="ignore"):  # a float64 beyond the range of float32 becomes infinite
        single = array.astype(np.float32, copy=False)
    for rows in blocks(single):
        finite = np.isfinite(single[rows]).reshape(rows.stop - rows.start, -1).all(1)
        if not finite.all():
            return single, rows.start + int(np.argmin(finite))
    return single, None


def observations(array: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) uint8 as they are, vectors (N, D) as finite float32."""
    array = np.asarray(array)
    if array.dtype == np.uint8 and array.ndim == 4 and array.size:
        return frozen(array)
    if np.issubdtype(array.dtype, np.floating) and array.ndim == 2 and array.size:
        return _finite_float32(array, "observations")
    need = "images (N, C, H, W) uint8 or vectors (N, D) float32, none of these sizes zero"
    raise DatasetError(misfit("observations", array, need))


def actions(array: np.ndarray, num_transitions: int, num_actions: int | None) -> tuple[np.ndarray, int | None]:
    """Discrete actions (M,) as int64 and their number; continuous ones (M, A) as finite float32 and None."""
    array = np.asarray(array)
    if np.issubdtype(array.dtype, np.integer) and array.ndim == 1:
        _require_rows(array, num_transitions, "actions", "one per transition")
        return frozen(array.astype(np.int64, copy=False)), _count_of_actions(array, num_actions)
    if np.issubdtype(array.dtype, np.floating) and array.ndim == 2 and array.shape[1]:
        _require_rows(array, num_transitions, "actions", "one per transition")
        if num_actions is not None:
            raise DatasetError(f"num_actions={num_actions} belongs to discrete actions, but these are continuous")
        return _finite_float32(array, "actions"), None
    raise DatasetError(misfit("actions", array, "discrete (M,) int64, continuous (M, A) float32, or None"))


def oracle_position(array: np.ndarray, num_rows: int) -> np.ndarray:
    """Ground-truth positions (N, 2), or of K points each (N, K, 2), as finite float32."""
    array = np.asarray(array)
    if (
        not np.issubdtype(array.dtype, np.floating)
        or array.ndim not in (2, 3)
        or array.shape[-1] != 2
        or 0 in array.shape
    ):
        need = "(N, 2) float32, or (N, K, 2) where a state is K points"
        raise DatasetError(misfit("oracle_position", array, need))
    _require_rows(array, num_rows, "oracle_position", "one per observation")
    return _finite_float32(array, "oracle_position")


def step_lengths(array: np.ndarray, num_transitions: int) -> np.ndarray:
    """Lengths of steps (M,) as finite float32 above 0."""
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.floating) or array.ndim != 1:
        raise DatasetError(misfit("step_lengths", array, "(M,) float32"))
    _require_rows(array, num_transitions, "step_lengths", "one per transition")
    array = _finite_float32(array, "step_lengths")
    if (array <= 0).any():
        row = int(np.argmax(array <= 0))
        raise DatasetError(f"step_lengths row {row} is {array[row]}; a step leads somewhere, so its length is above 0")
    return array


def _finite_float32(array: np.ndarray, name: str) -> np.ndarray:
    single, bad = float32(array)
    if bad is not None:
        raise DatasetError(f"{name} row {bad} holds NaN or infinity: {single[bad]}; every value must be finite")
    return frozen(single)


def _require_rows(array: np.ndarray, rows: int, name: str, rule: str) -> None:
    if len(array) != rows:
        raise DatasetError(f"{name} has {len(array)} rows; need {rows}, {rule}")


def _count_of_actions(array: np.ndarray, num_actions: int | None) -> int:
    """The size of the action set: as given, or the largest action seen plus one."""
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    count = high + 1 if num_actions is None else int(num_actions)
    if low < 0 or high >= count:
        raise DatasetError(f"discrete actions run from {low} to {high}; need 0 to {count - 1} (num_actions={count})")
    return count


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Concatenation of arange(start, start + length) for every pair."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)


def joined(arrays: Sequence[np.ndarray | None], name: str) -> np.ndarray | None:
    """Arrays end to end, None if none is there; DatasetError if only some are, or they are not of one kind."""
    present = [array for array in arrays if array is not None]
    if present and len(present) != len(arrays):
        raise DatasetError(f"only {len(present)} of {len(arrays)} episodes have {name}; need all or none")
    kinds = {(array.shape[1:], array.dtype.str) for array in present}
    if len(kinds) > 1:
        raise DatasetError(f"episodes differ in the shape or dtype of {name}: {sorted(map(str, kinds))}; need one kind")
    return np.concatenate(present) if present else None
