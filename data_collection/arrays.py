"""Arrays of records: what each must look like, laid end to end, stretches taken out; failures are DatasetErrors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import DatasetError

_BLOCK_ROWS = 65_536  # rows whose finiteness is checked at once, so that no mask as long as the data is built


def frozen(array: np.ndarray) -> np.ndarray:
    """The same memory, read-only; neither copied nor locked for its owner."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def require_finite(array: np.ndarray, name: str) -> None:
    """Refuse NaN and infinity, naming the first row that has one."""
    for first in range(0, len(array), _BLOCK_ROWS):
        block = array[first : first + _BLOCK_ROWS]
        finite = np.isfinite(block).reshape(len(block), -1).all(axis=1)
        if not finite.all():
            row = first + int(np.argmin(finite))
            raise DatasetError(f"{name} row {row} holds NaN or infinity: {array[row]}; every value must be finite")


def observations(array: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) uint8 as they are, vectors (N, D) as finite float32."""
    array = np.asarray(array)
    if array.dtype == np.uint8 and array.ndim == 4 and array.size:
        return frozen(array)
    if np.issubdtype(array.dtype, np.floating) and array.ndim == 2 and array.size:
        return _finite_float32(array, "observations")
    raise DatasetError(
        f"observations have shape {array.shape} and dtype {array.dtype}; "
        "need images (N, C, H, W) uint8 or vectors (N, D) float32, none of these sizes zero"
    )


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
    raise DatasetError(
        f"actions have shape {array.shape} and dtype {array.dtype}; "
        "need discrete (M,) int64, continuous (M, A) float32, or None"
    )


def oracle_position(array: np.ndarray, num_rows: int) -> np.ndarray:
    """Ground-truth positions (N, 2), or of K points each (N, K, 2), as finite float32."""
    array = np.asarray(array)
    if (
        not np.issubdtype(array.dtype, np.floating)
        or array.ndim not in (2, 3)
        or array.shape[-1] != 2
        or 0 in array.shape
    ):
        raise DatasetError(
            f"oracle_position has shape {array.shape} and dtype {array.dtype}; need (N, 2) float32, "
            "or (N, K, 2) where a state is K points"
        )
    _require_rows(array, num_rows, "oracle_position", "one per observation")
    return _finite_float32(array, "oracle_position")


def step_lengths(array: np.ndarray, num_transitions: int) -> np.ndarray:
    """Lengths of steps (M,) as finite float32 above 0."""
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.floating) or array.ndim != 1:
        raise DatasetError(f"step_lengths have shape {array.shape} and dtype {array.dtype}; need (M,) float32")
    _require_rows(array, num_transitions, "step_lengths", "one per transition")
    array = _finite_float32(array, "step_lengths")
    if (array <= 0).any():
        row = int(np.argmax(array <= 0))
        raise DatasetError(f"step_lengths row {row} is {array[row]}; a step leads somewhere, so its length is above 0")
    return array


def _finite_float32(array: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # a float64 beyond the range of float32 becomes infinite and is refused below
        single = array.astype(np.float32, copy=False)
    require_finite(single, name)
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
