"""Trajectories that lie in memory: what somebody's own loop recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from plan2vec_envs.errors import SourceError, suggest

from ..records import Dataset, Episode
from .conversions import positions_of
from .flat import add_rows
from .repairs import EpisodeRepairs
from .trajectory_builder import TrajectoryBuilder

_USED = ("observations", "actions", "next_observations")


def read_episodes(
    episodes: Iterable[Any], *, oracle: str | None = None, **options: Any
) -> tuple[Dataset, EpisodeRepairs]:
    """One trajectory each; no transition leads from one into another.

    Args:
        episodes: each an `Episode`; a pair (observations, actions), the latter perhaps None; or a dict with
            observations, and perhaps actions and next_observations. Observations of T + 1 rows, arrays or lists or
            dicts of these; actions of T, or of T + 1, of which the last is dropped.
        oracle: entry of the dicts that holds true positions; by default none is read.
        options: ``keys``, ``layout``, ``drop_pauses`` and ``max_jump``, those of `TrajectoryBuilder`.

    Returns:
        The dataset and what was mended.

    Raises:
        SourceError: if a trajectory is none of these, its arrays do not fit each other, they differ in kind, or
            nothing is left; it names the trajectory by its number, from 0.
    """
    gathering = TrajectoryBuilder(**options)
    left_out: set[str] = set()
    for number, episode in enumerate(episodes):
        where = f"episode {number}"
        if isinstance(episode, Episode):
            gathering.add(
                episode.observations,
                episode.actions,
                where=where,
                positions=episode.oracle_position,
                step_lengths=episode.step_lengths,
            )
        elif isinstance(episode, Mapping):
            left_out |= set(episode) - {*_USED, oracle}
            _add_dict(gathering, episode, where, oracle)
        elif isinstance(episode, tuple) and len(episode) == 2:
            gathering.add(_observed(gathering, episode[0], where), _array(episode[1], where), where=where)
        else:
            raise SourceError(
                f"{where} is a {type(episode).__name__}; need an Episode, a pair (observations, actions), or a dict "
                "with observations and perhaps actions"
            )
    if left_out:
        gathering.note(f"left out {', '.join(sorted(map(str, left_out)))}")
    return gathering.dataset("the list of episodes"), gathering.repairs()


def _add_dict(gathering: TrajectoryBuilder, episode: Mapping[str, Any], where: str, oracle: str | None) -> None:
    for name in ("observations", *([oracle] if oracle else [])):
        if name not in episode:
            raise SourceError(f"{where} has no {name!r}.{suggest(name, episode)}")
    observations = _observed(gathering, episode["observations"], where)
    positions = None if oracle is None else positions_of(episode[oracle], f"{where}, {oracle}", gathering.note)
    actions = _array(episode.get("actions"), where)
    following = episode.get("next_observations")
    if following is None or not len(observations):
        gathering.add(observations, actions, where=where, positions=positions)
        return
    ends = np.zeros(len(observations), bool)
    ends[-1:] = True
    add_rows(
        gathering,
        where,
        observations,
        following=_observed(gathering, following, where),
        actions=actions,
        ends=ends,
        timeouts=np.zeros(len(observations), bool),
        positions=positions,
    )


def _observed(gathering: TrajectoryBuilder, raw: Any, where: str) -> np.ndarray:
    """Observations; none at all are no error, but a trajectory that is dropped."""
    if not isinstance(raw, Mapping) and len(raw) == 0:
        return np.empty((0, 1), np.float32)
    return gathering.observations(_stacked(raw, where), where)


def _stacked(raw: Any, where: str) -> Any:
    """A list of dicts, one a step, as a dict of lists."""
    if not (isinstance(raw, Sequence) and all(isinstance(step, Mapping) for step in raw)):
        return raw
    for number, step in enumerate(raw):
        if set(step) != set(raw[0]):
            raise SourceError(
                f"{where}, step {number} has the entries {list(step)}, step 0 {list(raw[0])}; need the same"
            )
    return {key: [step[key] for step in raw] for key in raw[0]}


def _array(actions: Any, where: str) -> np.ndarray | None:
    if actions is None:
        return None
    try:
        array = np.asarray(actions)
    except ValueError as error:  # lists of different lengths
        raise SourceError(f"{where}: actions are no array, for they differ in shape; need (T,) or (T, A)") from error
    if array.ndim == 0:
        raise SourceError(f"{where}: actions are {actions!r}; need an array (T,) or (T, A)")
    return array
