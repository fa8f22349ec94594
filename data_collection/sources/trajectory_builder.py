"""Trajectories from anywhere, one after the other, into one dataset; what is mended on the way is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from plan2vec_envs.errors import InvalidOptionError, SourceError

from ..arrays import blocks
from ..errors import DatasetError
from ..records import Dataset, Episode, part_of
from .conversions import Layout, actions_of, equal_rows, observations_of
from .repairs import EpisodeRepairs


class TrajectoryBuilder:
    """Collects trajectories and mends them as asked.

    Args:
        keys: of observations that are a dict, which entries: one of pictures, or vectors, which are laid side by side.
        layout: of pictures, 'hwc' or 'chw', where their shape does not tell.
        drop_pauses: leave out steps in which nothing changed, with their actions. By default they stay: that an
            action changes nothing, at a wall for instance, is worth knowing.
        max_jump: cut a trajectory where one step leads farther than this: Euclidean distance of vectors, mean
            difference of grey levels (0 to 255) of pictures. By default it is cut nowhere.

    Raises:
        InvalidOptionError: for a max_jump that is not above 0.
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] | None = None,
        layout: Layout | None = None,
        drop_pauses: bool = False,
        max_jump: float | None = None,
    ) -> None:
        if max_jump is not None and not max_jump > 0:
            raise InvalidOptionError(f"max_jump={max_jump} was asked for; need a number above 0, or None for no cut")
        if isinstance(keys, str):  # else it would be taken for its letters
            keys = (keys,)
        self.keys, self.layout, self.drop_pauses, self.max_jump = keys, layout, drop_pauses, max_jump
        self.counts: Counter[str] = Counter()
        self._notes: dict[str, None] = {}  # in the order in which they came, each once
        self._episodes: list[Episode] = []
        self._kind: tuple[str, dict[str, str]] | None = None
        self._kept_pauses = 0
        self._trajectories = 0

    def note(self, text: str) -> None:
        """Takes down what is to be said once, however many trajectories it is about."""
        self._notes.setdefault(text)

    def observations(self, raw: Any, where: str) -> np.ndarray:
        """See `conversions.observations_of`."""
        return observations_of(raw, where, self.note, keys=self.keys, layout=self.layout)

    def add(
        self,
        observations: np.ndarray,
        actions: Any = None,
        *,
        where: str,
        positions: np.ndarray | None = None,
        step_lengths: np.ndarray | None = None,
    ) -> None:
        """Take in one trajectory.

        Args:
            observations: (T + 1, ...) as `observations` returns them.
            actions: T of them, or T + 1, of which the last leads nowhere and is dropped; or None.
            where: what to call it in messages.
            positions: (T + 1, 2) or (T + 1, K, 2) float32 ground truth, or None.
            step_lengths: (T,) float32, or None.

        Raises:
            SourceError: if the arrays do not fit each other, or those of another trajectory.
        """
        self._trajectories += 1
        frames = len(observations)
        if frames < 2:
            self.counts["single_frames" if frames else "empty_trajectories"] += 1
            return
        if actions is not None:
            if len(actions) not in (frames - 1, frames):
                raise SourceError(
                    f"{where}: {len(actions)} actions for {frames} observations; need {frames - 1}, one between each "
                    f"two, or {frames}, of which the last is dropped"
                )
            if len(actions) == frames:
                self.counts["last_actions"] += 1
            actions = actions_of(actions[: frames - 1], where, self.note)  # the last one may be anything, NaN too
        if positions is not None and len(positions) != frames:
            raise SourceError(f"{where}: {len(positions)} positions for {frames} observations; need one each")
        self._check_kind(observations, actions, where)
        step = np.ones(frames - 1, bool)
        if self.max_jump is not None:
            step = _lengths(observations) <= self.max_jump
            self.counts["jumps"] += int((~step).sum())
        whole, first = Episode(observations, actions, positions, step_lengths), 0
        for end in [*(np.flatnonzero(~step) + 1).tolist(), frames]:
            self._add_stretch(whole, first, end)
            first = end

    def dataset(self, what: str, *, env_id: str | None = None, num_actions: int | None = None) -> Dataset:
        """All that was taken in.

        Raises:
            SourceError: if nothing is left, or trajectories that are each well formed make no dataset.
        """
        if not self._episodes:
            raise SourceError(
                f"{what} holds no trajectory of two observations or more, of {self._trajectories}: {self.repairs()}"
            )
        try:
            return Dataset.from_episodes(self._episodes, env_id=env_id, num_actions=num_actions)
        except DatasetError as error:  # such as an action beyond the number that a file says there are
            raise SourceError(f"{what}: {error}") from error

    def repairs(self) -> EpisodeRepairs:
        """What was mended so far."""
        notes = list(self._notes)
        if self._kept_pauses:
            steps = "step" if self._kept_pauses == 1 else "steps"
            notes.append(f"kept {self._kept_pauses:,} {steps} in which nothing changed (drop_pauses leaves them out)")
        return EpisodeRepairs(**self.counts, notes=tuple(notes))

    def _check_kind(self, observations: np.ndarray, actions: np.ndarray | None, where: str) -> None:
        """All trajectories must record the same."""
        arrays = {"observations": observations, "actions": actions}
        kinds = {
            name: "none" if array is None else f"of shape {array.shape[1:]} and dtype {array.dtype}"
            for name, array in arrays.items()
        }
        if self._kind is None:
            self._kind = (where, kinds)
        first, expected = self._kind
        for name, kind in kinds.items():
            if kind != expected[name]:
                raise SourceError(f"{where}: {name} {kind}; {first} has {expected[name]}; need one kind")

    def _add_stretch(self, whole: Episode, first: int, end: int) -> None:
        """Rows first to end of a trajectory, within which every step counts."""
        rows = np.arange(first, end)
        seen = whole.observations[first:end]
        still = equal_rows(seen[:-1], seen[1:])
        if self.drop_pauses and still.any():
            # Of two equal frames the later one stays: what was done next was done there.
            self.counts["pauses"] += int(still.sum())
            rows = rows[np.append(~still, True)]
        else:
            self._kept_pauses += int(still.sum())
        if len(rows) < 2:
            self.counts["single_frames"] += 1
            return
        # Where all of it stays nothing needs to be copied.
        whole_stays = len(rows) == len(whole.observations)
        self._episodes.append(whole if whole_stays else Episode(**part_of(whole, rows, rows[:-1])))


def _lengths(observations: np.ndarray) -> np.ndarray:
    """(T,) how far each step leads."""
    lengths = np.empty(len(observations) - 1)
    for rows in blocks(observations[1:]):
        before, after = observations[:-1][rows].astype(np.float64), observations[1:][rows].astype(np.float64)
        change = (after - before).reshape(len(before), -1)
        lengths[rows] = np.linalg.norm(change, axis=1) if observations.ndim == 2 else np.abs(change).mean(1)
    return lengths
