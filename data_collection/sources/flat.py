"""Flat arrays, all trajectories end to end, as OGBench and D4RL keep them, whatever file they lie in.

```
without next_observations                    with next_observations
observations  s0 s1 s2 s3 | s0 s1 s2         s0 s1 s2 | s0 s1
actions       a0 a1 a2  x | a0 a1  x         a0 a1 a2 | a0 a1      x leads nowhere and is dropped
next                                         s1 s2 s3 | s1 s2
terminals      0  0  0  1 |  0  0  1          0  0  1 |  0  1      or timeouts; or s3 is not the next row's s0
```
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from plan2vec_envs.errors import SourceError, suggest

from ..arrays import misfit
from ..records import Dataset
from .conversions import equal_rows, positions_of
from .repairs import EpisodeRepairs
from .trajectory_builder import TrajectoryBuilder

ENDS = ("terminals", "terminations", "dones")
TIMEOUTS = ("timeouts", "truncations")
_NOW, _NEXT = "observations", "next_observations"
_SHOWN = 12  # names of arrays in a message


def looks_flat(names: Collection[str]) -> bool:
    """Whether arrays of these names are observations and what says where trajectories end; ours have a manifest."""
    groups = {name.split("/")[0] for name in names}
    return _NOW in groups and bool(groups & {*ENDS, *TIMEOUTS, _NEXT}) and "manifest" not in groups


def read_flat(
    where: str,
    names: Collection[str],
    read: Callable[[list[str]], Mapping[str, np.ndarray]],
    gathering: TrajectoryBuilder,
    oracle: str | None = None,
) -> tuple[Dataset, EpisodeRepairs]:
    """Trajectories out of flat arrays; nothing links the end of one with the start of another.

    Args:
        where: the file, in messages.
        names: of all arrays, those of groups as ``infos/qpos``.
        read: the arrays of some names.
        gathering: with the options of the caller.
        oracle: the array that holds true positions; without it no ground truth is read.

    Raises:
        SourceError: if arrays are missing, do not fit each other, or hold what a dataset cannot; or nothing is left.
    """
    now = _columns(where, names, gathering)
    following = {key: f"next_{column}" for key, column in now.items()}
    if any(column not in names for column in following.values()):
        following = {}
    ends, timeouts = ([name for name in known if name in names] for known in (ENDS, TIMEOUTS))
    if not (ends or timeouts or following):
        raise SourceError(
            f"{where} holds {_listed(names)}; need one of {', '.join((*ENDS, *TIMEOUTS, _NEXT))} to know where "
            "trajectories end. If it is a single one, add terminals, 1 in its last row and else 0"
        )
    if oracle is not None and oracle not in names:
        raise SourceError(f"{where} has no array {oracle!r} of true positions.{suggest(oracle, names)}")
    others = [name for name in ("actions", oracle) if name is not None and name in names]
    wanted = [*now.values(), *following.values(), *ends, *timeouts, *others]
    arrays = read(list(dict.fromkeys(wanted)))
    if left_out := sorted(set(names) - set(arrays)):
        gathering.note(f"left out {len(left_out)} array{'s' * (len(left_out) > 1)}: {_listed(left_out)}")
    observations = gathering.observations(_entries(now, arrays), f"{where}, {_NOW}")
    add_rows(
        gathering,
        where,
        observations,
        following=gathering.observations(_entries(following, arrays), f"{where}, {_NEXT}") if following else None,
        actions=arrays.get("actions"),
        ends=_marks(where, ends, arrays, len(observations)),
        timeouts=_marks(where, timeouts, arrays, len(observations)),
        positions=None if oracle is None else positions_of(arrays[oracle], f"{where}, {oracle}", gathering.note),
    )
    return gathering.dataset(where), gathering.repairs()


def add_rows(
    gathering: TrajectoryBuilder,
    where: str,
    observations: np.ndarray,
    *,
    following: np.ndarray | None,
    actions: Any,
    ends: np.ndarray,
    timeouts: np.ndarray,
    positions: np.ndarray | None = None,
) -> None:
    """Cut rows into trajectories and take these in.

    Args:
        gathering: where they go.
        where: the file, in messages.
        observations: (N, ...) as `TrajectoryBuilder.observations` returns them.
        following: (N, ...) what each row led to, or None where that is the next row.
        actions: (N, ...), (N - K, ...) without those of the K last rows, or None.
        ends: (N,) bool, last rows.
        timeouts: (N,) bool, last rows too, counted apart.
        positions: (N, ...) float32 or None.
    """
    num = len(observations)
    for name, array in ((_NEXT, following), ("positions", positions)):
        if array is not None and len(array) != num:
            raise SourceError(f"{where}: {_NOW} has {num} rows and {name} {len(array)}; need as many")
    if following is not None and following.shape[1:] != observations.shape[1:]:
        raise SourceError(
            f"{where}: {_NOW} are of shape {observations.shape[1:]} and {_NEXT} {following.shape[1:]}; need one shape"
        )
    last = ends | timeouts
    gathering.counts["timeouts"] += int((timeouts & ~ends).sum())
    if following is not None and num:
        jumps = ~last[:-1] & ~equal_rows(following[:-1], observations[1:])
        gathering.counts["jumps"] += int(jumps.sum())
        if 2 * int(jumps.sum()) > num:
            gathering.note("most rows do not lead to the next one: are they shuffled?")
        last[:-1] |= jumps
    elif num and not last[-1]:
        gathering.note("the last trajectory has no end mark")
    last[-1:] = True
    stops = np.flatnonzero(last) + 1
    starts = np.array([0, *stops])[: len(stops)]
    if following is not None and positions is not None:
        gathering.note("observations after last rows left out: their positions are not recorded")
        following = None
    # Row i belongs to action i less the number of last rows before it, where these have none.
    compact = actions is not None and following is None and len(actions) == num - len(stops)
    if actions is not None and not compact and len(actions) != num:
        raise SourceError(
            f"{where}: {_NOW} has {num} rows and actions {len(actions)}; need as many"
            + ("" if following is not None else f", or {num - len(stops)} without those of the last rows")
        )
    for number, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        seen = observations[start:stop]
        if following is not None:
            seen = np.concatenate([seen, following[stop - 1 : stop]])
        first, end = (start - number, stop - number - 1) if compact else (start, stop)
        gathering.add(
            seen,
            None if actions is None else actions[first:end],
            where=f"{where}, rows {start} to {stop - 1}",
            positions=None if positions is None else positions[start:stop],
        )


def _columns(where: str, names: Collection[str], gathering: TrajectoryBuilder) -> dict[str, str]:
    """The arrays to be observed, by key; the empty key where there is one and no choice."""
    if gathering.keys is None:
        if _NOW in names:
            return {"": _NOW}
        found = {name.removeprefix(f"{_NOW}/"): name for name in names if name.startswith(f"{_NOW}/")}
    else:
        inner = [name.removeprefix(f"{_NOW}/") for name in names]
        found = {}
        for key in gathering.keys:
            inside = f"{_NOW}/{key}"
            if inside not in names and key not in names:
                raise SourceError(f"{where} has no array {inside!r} and no {key!r}.{suggest(key, inner)}")
            found[key] = inside if inside in names else key
    if not found:
        raise SourceError(f"{where} holds {_listed(names)}; need {_NOW}, or their names with keys= (--keys)")
    return found


def _entries(columns: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> Any:
    if list(columns) == [""]:
        return arrays[columns[""]]
    return {key: arrays[column] for key, column in columns.items()}


def _marks(where: str, names: list[str], arrays: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """(N,) bool, where any of these arrays is 1."""
    marks = np.zeros(rows, bool)
    for name in names:
        array = arrays[name]
        if array.shape not in ((rows,), (rows, 1)) or array.dtype.kind not in "buif":
            raise SourceError(misfit(f"{where}, {name}", array, f"({rows},) of 0 and 1, one for each observation"))
        flat = array.reshape(-1)
        bad = np.flatnonzero((flat != 0) & (flat != 1))
        if len(bad):
            raise SourceError(f"{where}, {name}, row {bad[0]}: {flat[bad[0]]}; need 1 in a last row and else 0")
        marks |= flat == 1
    return marks


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return (", ".join(shown[:_SHOWN]) or "nothing") + more
