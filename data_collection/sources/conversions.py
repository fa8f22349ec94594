"""Foreign arrays into those of a dataset: every conversion is lossless or said, everything else refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from plan2vec_envs.errors import SourceError, suggest

from ..arrays import blocks, float32

Layout = Literal["hwc", "chw"]
Note = Callable[[str], None]
_CHANNELS = (1, 3, 4)
_EXACT = 2**24  # whole numbers up to this are exact in float32


def flat_mapping(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A mapping of mappings as one, with names such as ``camera/left``."""
    found: dict[str, Any] = {}
    for name, value in nested.items():
        found |= flat_mapping(value, f"{prefix}{name}/") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def observations_of(
    raw: Any, where: str, note: Note, *, keys: Sequence[str] | None = None, layout: Layout | None = None
) -> np.ndarray:
    """What was observed, as a dataset holds it.

    Args:
        raw: vectors (N, D) or numbers (N,); pictures (N, H, W), (N, H, W, C) or (N, C, H, W); or a mapping of such.
        where: what to call it in messages.
        note: told about every conversion.
        keys: of a mapping, which entries: one of pictures, or any number of vectors, which are laid side by side.
        layout: of pictures, where their shape alone does not tell.

    Returns:
        (N, D) float32 or (N, C, H, W) uint8.

    Raises:
        SourceError: if keys or layout have to be said, or the values are none that a dataset can hold.
    """
    if not isinstance(raw, Mapping):
        return _observations(raw, where, note, layout)
    entries = flat_mapping(raw)
    if keys is None and len(entries) != 1:
        shapes = ", ".join(f"{name} {np.shape(value)[1:]}" for name, value in entries.items())
        raise SourceError(f"{where} is a dict of {shapes or 'nothing'}; say which entries to read with keys= (--keys)")
    chosen = list(keys) if keys is not None else list(entries)
    for name in chosen:
        if name not in entries:
            raise SourceError(f"{where} has no entry {name!r}.{suggest(name, entries)}")
    parts = [_observations(entries[name], f"{where}/{name}", note, layout) for name in chosen]
    if len(parts) == 1:
        return parts[0]
    if not parts or any(part.ndim != 2 for part in parts) or len({len(part) for part in parts}) > 1:
        shapes = ", ".join(f"{name} {part.shape}" for name, part in zip(chosen, parts, strict=True))
        raise SourceError(f"{where}: {shapes or 'no key'}; need one entry of pictures, or vectors of one length only")
    note(f"{' + '.join(chosen)} side by side as observations")
    return np.concatenate(parts, axis=1)


def actions_of(raw: Any, where: str, note: Note) -> np.ndarray:
    """What was done: whole numbers as (T,) int64, everything else as (T, A) float32.

    Raises:
        SourceError: if they are neither, a number is none, or a discrete action is below 0.
    """
    array = _numbers(raw, where, "actions (T,) of whole numbers or (T, A)")
    if array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind in "bui":
        note("actions (T, 1) of whole numbers as discrete ones")
        array = array[:, 0]
    if array.ndim == 1 and array.dtype.kind in "bui":
        whole = array.astype(np.int64, copy=False)
        if len(whole) and whole.min() < 0:
            raise SourceError(
                f"{where}: discrete actions as low as {whole.min()}; need 0 and on. Count them from 0, or make "
                "them fractions if they are amounts"
            )
        return whole
    if array.ndim == 1:
        note("actions (T,) of fractions as vectors of one number")
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise SourceError(f"{where} has shape {array.shape}; need actions (T,) of whole numbers or (T, A)")
    return _float32(array, where, "actions", note)


def positions_of(raw: Any, where: str, note: Note) -> np.ndarray:
    """Ground truth (N, 2) float32, of wider rows the first two numbers; (N, K, 2) where a state is K points."""
    array = _numbers(raw, where, "positions (N, 2) or (N, K, 2)")
    if array.ndim == 2 and array.shape[1] > 2:
        note(f"the first two of {array.shape[1]} numbers of {where.rsplit(', ', 1)[-1]} as oracle_position")
        array = array[:, :2]
    if array.ndim not in (2, 3) or array.shape[-1] != 2:
        raise SourceError(f"{where} has shape {array.shape}; need positions (N, 2) or (N, K, 2)")
    return _float32(array, where, "positions", note)


def equal_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) bool, whether row i of one is row i of the other."""
    equal = np.empty(len(a), bool)
    for rows in blocks(a):
        equal[rows] = (a[rows] == b[rows]).reshape(len(equal[rows]), -1).all(1)
    return equal


def _numbers(raw: Any, where: str, need: str) -> np.ndarray:
    try:
        array = np.asarray(raw)
    except ValueError as error:  # lists of different lengths
        raise SourceError(f"{where} is no array: its rows differ in shape; need {need}") from error
    if array.dtype.kind not in "buif" or array.ndim == 0:
        raise SourceError(f"{where} has shape {array.shape} and dtype {array.dtype}; need {need}, of numbers")
    return array


def _observations(raw: Any, where: str, note: Note, layout: Layout | None) -> np.ndarray:
    array = _numbers(raw, where, "vectors (N, D) or pictures (N, H, W, C)")
    if 0 in array.shape[1:] or array.ndim > 4:
        raise SourceError(f"{where} has shape {array.shape}; need vectors (N, D) or pictures (N, H, W, C), none empty")
    if array.ndim == 1:
        note("observations (N,) as vectors of one number")
        array = array[:, None]
    if array.ndim == 2:
        return _float32(array, where, "observations", note)
    return _pictures(_bytes(array, where, note), where, note, layout)


def _pictures(array: np.ndarray, where: str, note: Note, layout: Layout | None) -> np.ndarray:
    """(N, C, H, W) of any layout."""
    if layout not in (None, "hwc", "chw"):
        raise SourceError(f"layout={layout!r} was asked for; need 'hwc' or 'chw'")
    if array.ndim == 3:
        note("grey pictures (H, W) to (1, H, W)")
        return array[:, None]
    first, last = array.shape[1] in _CHANNELS, array.shape[3] in _CHANNELS
    if layout is None and first == last:
        raise SourceError(
            f"{where}: pictures of shape {array.shape[1:]} may be (H, W, C) or (C, H, W); say which with "
            "layout='hwc' or layout='chw' (--layout)"
        )
    if layout == "chw" or (layout is None and first):
        return array
    note("pictures (H, W, C) to (C, H, W)")
    return np.ascontiguousarray(np.moveaxis(array, 3, 1))


def _bytes(array: np.ndarray, where: str, note: Note) -> np.ndarray:
    """Pixels as uint8; of another dtype only where they are whole numbers from 0 to 255, so that nothing is lost."""
    if array.dtype == np.uint8:
        return array
    low, high, whole = 0.0, 0.0, True
    for rows in blocks(array):
        block = array[rows]
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        whole = whole and bool((np.rint(block) == block).all())  # NaN equals nothing
    if not (whole and low >= 0 and high <= 255) or (array.dtype.kind in "bf" and high <= 1):
        raise SourceError(
            f"{where}: pictures of dtype {array.dtype} with values from {low:g} to {high:g}; need whole numbers 0 to "
            "255. Pictures scaled to [0, 1] become that by np.rint(255 * pictures).astype(np.uint8); what is no "
            "picture must be a vector (N, D)"
        )
    note(f"pictures {array.dtype} to uint8")
    return array.astype(np.uint8)


def _float32(array: np.ndarray, where: str, what: str, note: Note) -> np.ndarray:
    """Finite float32; whole numbers only where they stay the same."""
    if array.dtype.kind in "ui" and array.size and max(abs(int(array.min())), abs(int(array.max()))) > _EXACT:
        raise SourceError(f"{where}: whole numbers beyond {_EXACT:,}, which float32 cannot tell apart; scale them")
    if array.dtype != np.float32:
        note(f"{what} {array.dtype} to float32")
    single, bad = float32(array)
    if bad is not None:
        raise SourceError(f"{where}, row {bad}: {array[bad].tolist()}; need finite numbers (of float32)")
    return single
