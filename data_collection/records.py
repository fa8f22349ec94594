"""The records of experience: Episode and Dataset, frozen and validated at birth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from plan2vec_envs.io.hashing import array_sha256, json_sha256

from . import arrays
from .arrays import frozen, joined, ranges
from .errors import DatasetError, EmptyDatasetError
from .pairs import PairBatch, sample_pairs
from .splits import fold_episodes, nested_episodes


@dataclass(frozen=True, eq=False)
class Episode:
    """One recorded rollout; T >= 1 is its number of transitions.

    ```
    observations     o0 o1 o2 ... oT        (T + 1, C, H, W) uint8 or (T + 1, D) float32
    actions            a0 a1 ... a(T-1)     (T,) int64, (T, A) float32, or None; a_t leads from o_t to o_{t+1}
    step_lengths       l0 l1 l2 ... l(T-1)  (T,) float32 > 0, how far each step led, or None where all count alike
    oracle_position  x0 x1 x2 ... xT        (T + 1, 2) float32 arena units, or None; evaluation only
    ```
    Where a state is K points, such as the nodes of a rope, oracle_position is (T + 1, K, 2).
    """

    observations: np.ndarray
    actions: np.ndarray | None = None
    oracle_position: np.ndarray | None = None
    step_lengths: np.ndarray | None = None

    def __post_init__(self) -> None:
        frames = arrays.observations(self.observations)
        steps = len(frames) - 1
        if steps < 1:
            raise EmptyDatasetError("an episode of one observation has no transition; need at least two observations")
        if self.actions is not None and len(self.actions) != steps:
            raise DatasetError(
                f"{len(self.actions)} actions need {len(self.actions) + 1} observations, "
                f"got {steps + 1}; keep the observation that the last step returned"
            )
        _set_checked(self, frames, steps, None)

    def __len__(self) -> int:
        """The number of transitions T."""
        return len(self.observations) - 1


@dataclass(frozen=True, eq=False)
class Dataset:
    """Episodes laid end to end; the row of an observation is its vertex id everywhere.

    Two episodes of three and two transitions (M = 5, K = 2, N = M + K = 7):
    ```
    row                0  1  2  3 | 4  5  6
    observations      o0 o1 o2 o3 | o0 o1 o2      (N, C, H, W) uint8 or (N, D) float32
    actions            a0 a1 a2   |  a0 a1        (M,) int64, (M, A) float32, or None
    transitions       01 12 23    | 45 56         (M, 2) derived: row pairs, in the order of the actions
    episode_ids        0  0  0  0 | 1  1  1       (N,)   derived
    episode_lengths        3      |    2          (K,) int64 transitions
    step_lengths       l0 l1 l2   |  l0 l1        (M,) float32 > 0, or None where all steps count alike
    oracle_position   x0 x1 x2 x3 | x0 x1 x2      (N, 2) float32 arena units, or None; evaluation only
    ```
    Where a state is K points, such as the nodes of a rope, oracle_position is (N, K, 2).
    Arrays are read-only and are not copied when they already have the right dtype: hand over arrays that
    nobody writes to afterwards. `env_id` is None for experience from elsewhere; `num_actions` is the size of
    a discrete action set (by default the largest action plus one) and None otherwise.
    """

    observations: np.ndarray
    actions: np.ndarray | None
    episode_lengths: np.ndarray
    oracle_position: np.ndarray | None = None
    env_id: str | None = None
    num_actions: int | None = None
    step_lengths: np.ndarray | None = None

    def __post_init__(self) -> None:
        lengths = np.asarray(self.episode_lengths)
        if lengths.size == 0 or len(self.observations) == 0:
            raise EmptyDatasetError("the dataset has no episodes; need at least one episode with one transition")
        if lengths.ndim != 1 or not np.issubdtype(lengths.dtype, np.integer):
            raise DatasetError(f"episode_lengths has shape {lengths.shape} and dtype {lengths.dtype}; need (K,) int64")
        if lengths.min() < 1:
            raise EmptyDatasetError(
                f"episode {int(np.argmin(lengths))} has {lengths.min()} transitions; need at least 1"
            )
        rows = arrays.observations(self.observations)
        total = int(lengths.sum()) + len(lengths)
        if len(rows) != total:
            raise DatasetError(
                f"{len(lengths)} episodes of {int(lengths.sum())} transitions need {total} observations, "
                f"got {len(rows)}; an episode keeps the observation that its last step returned"
            )
        if self.actions is None and self.num_actions is not None:
            raise DatasetError(f"num_actions={self.num_actions} was given, but the dataset has no actions")
        object.__setattr__(self, "episode_lengths", frozen(lengths.astype(np.int64, copy=False)))
        num_actions = _set_checked(self, rows, total - len(lengths), self.num_actions)
        object.__setattr__(self, "num_actions", num_actions)

    @classmethod
    def from_episodes(
        cls,
        episodes: Iterable[Any],
        *,
        env_id: str | None = None,
        num_actions: int | None = None,
        report: Callable[[str], object] | None = print,
        **options: Any,
    ) -> Dataset:
        """Lay episodes end to end; they may differ in length, not in what they record.

        Args:
            episodes: each an `Episode`, a pair (observations, actions), or a dict with observations and perhaps
                actions.
            env_id: of the environment that they come from, if it is one of ours.
            num_actions: of discrete actions; by default the largest one plus one.
            report: told in one line what was mended in episodes that were none yet; None for silence.
            options: those of `sources.episodes.read_episodes`: keys, layout, oracle, drop_pauses, max_jump.
        """
        kept = list(episodes)
        if options or not all(isinstance(episode, Episode) for episode in kept):
            from .sources.reading import read_foreign_episodes  # lazily: reading is above records

            foreign = read_foreign_episodes(kept, report, **options)
            return replace(foreign, env_id=env_id, num_actions=num_actions or foreign.num_actions)
        if not kept:
            raise EmptyDatasetError("no episodes were given; need at least one")
        return cls(
            **_joined(kept),
            episode_lengths=np.array([len(e) for e in kept], np.int64),
            env_id=env_id,
            num_actions=num_actions,
        )

    # `data_collection.read` by format; the import is lazy, since reading is above records.

    @classmethod
    def from_npz(cls, path: str | os.PathLike[str], **options: Any) -> Dataset:
        """Flat arrays as of OGBench or D4RL; see `read` and `sources.formats.flat_npz.read_flat_npz`."""
        return _read(path, "flat-npz", **options)

    @classmethod
    def from_hdf5(cls, path: str | os.PathLike[str], **options: Any) -> Dataset:
        """The same in HDF5; see `read` and `sources.formats.flat_hdf5.read_flat_hdf5`."""
        return _read(path, "flat-hdf5", **options)

    @classmethod
    def from_minari(cls, path: str | os.PathLike[str], **options: Any) -> Dataset:
        """A folder or an id of Minari; see `read` and `sources.formats.minari.read_minari`."""
        return _read(path, "minari", **options)

    @classmethod
    def from_folder(cls, path: str | os.PathLike[str], *, format_name: str | None = None, **options: Any) -> Dataset:
        """A folder of runs of pictures; see `read` and `sources.formats.picture_folders.read_picture_folders`."""
        return _read(path, format_name, **options)

    @classmethod
    def concatenate(cls, datasets: Sequence[Dataset]) -> Dataset:
        """Lay datasets of one environment end to end."""
        if not datasets:
            raise EmptyDatasetError("no datasets were given; need at least one")
        origins = {(dataset.env_id, dataset.num_actions) for dataset in datasets}
        if len(origins) > 1:
            raise DatasetError(f"datasets differ in env id or number of actions: {sorted(map(str, origins))}")
        return cls(
            **_joined(datasets),
            episode_lengths=np.concatenate([d.episode_lengths for d in datasets]),
            env_id=datasets[0].env_id,
            num_actions=datasets[0].num_actions,
        )

    def __repr__(self) -> str:
        kind = "no actions" if self.actions is None else f"{self.num_actions or 'continuous'} actions"
        return (
            f"Dataset({self.env_id or 'no env'}: {self.num_episodes} episodes, "
            f"{self.num_transitions} transitions, {kind}, "
            f"{self.num_observations} observations {self.observation_shape} {self.observations.dtype})"
        )

    @property
    def num_episodes(self) -> int:
        """K."""
        return len(self.episode_lengths)

    @property
    def num_transitions(self) -> int:
        """M."""
        return self.num_observations - self.num_episodes

    @property
    def num_observations(self) -> int:
        """N, the number of rows."""
        return len(self.observations)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """(C, H, W) of an image or (D,) of a vector."""
        return tuple(self.observations.shape[1:])

    @property
    def is_image(self) -> bool:
        """True for images, False for vectors."""
        return self.observations.ndim == 4

    @cached_property
    def episode_starts(self) -> np.ndarray:
        """(K,) int64 first row of each episode."""
        return frozen(np.concatenate([[0], np.cumsum(self.episode_lengths[:-1] + 1)]).astype(np.int64))

    @cached_property
    def episode_ids(self) -> np.ndarray:
        """(N,) int32 episode of each row."""
        return frozen(np.repeat(np.arange(self.num_episodes, dtype=np.int32), self.episode_lengths + 1))

    @cached_property
    def transitions(self) -> np.ndarray:
        """(M, 2) int64 rows (v, v') of every recorded transition, in the order of `actions`."""
        is_last = np.zeros(self.num_observations, bool)
        is_last[self.episode_starts + self.episode_lengths] = True
        before = np.flatnonzero(~is_last)
        return frozen(np.stack([before, before + 1], axis=1))

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 of what can be learned from: observations, actions, lengths, env id; not the oracle."""
        content = {
            "observations": array_sha256(self.observations),
            "actions": None if self.actions is None else array_sha256(self.actions),
            "episode_lengths": array_sha256(self.episode_lengths),
            "env_id": self.env_id,
            "num_actions": self.num_actions,
        }
        if self.step_lengths is not None:  # so that datasets without them keep their fingerprint
            content["step_lengths"] = array_sha256(self.step_lengths)
        return json_sha256(content)

    def episode(self, index: int) -> Episode:
        """Episode `index`, as views of this dataset's arrays."""
        if not 0 <= index < self.num_episodes:
            raise DatasetError(f"episode {index} was asked for; this dataset has 0 to {self.num_episodes - 1}")
        first, steps = int(self.episode_starts[index]), int(self.episode_lengths[index])
        rows, moves = slice(first, first + steps + 1), slice(first - index, first - index + steps)
        return Episode(**part_of(self, rows, moves))

    def episodes(self) -> Iterator[Episode]:
        """All episodes in order."""
        return (self.episode(index) for index in range(self.num_episodes))

    def without_oracle(self) -> Dataset:
        """The same dataset without ground truth; nothing is copied and no oracle array is read."""
        return replace(self, oracle_position=None)

    def take_episodes(self, ids: Sequence[int] | np.ndarray) -> Dataset:
        """The episodes with these ids, in this order.

        Raises:
            EmptyDatasetError: if there are no ids.
            DatasetError: if an id does not exist.
        """
        chosen = np.asarray(ids)
        if chosen.size == 0:
            raise EmptyDatasetError("no episodes were chosen; need at least one")
        if not np.issubdtype(chosen.dtype, np.integer) or chosen.ndim != 1:
            raise DatasetError(f"episode ids have shape {chosen.shape} and dtype {chosen.dtype}; need (n,) integers")
        if chosen.min() < 0 or chosen.max() >= self.num_episodes:
            raise DatasetError(
                f"episode ids run from {chosen.min()} to {chosen.max()}; this dataset has 0 to {self.num_episodes - 1}"
            )
        lengths = self.episode_lengths[chosen]
        rows = ranges(self.episode_starts[chosen], lengths + 1)
        moves = ranges(self.episode_starts[chosen] - chosen, lengths)
        return replace(self, **part_of(self, rows, moves), episode_lengths=lengths)

    def split(self, fold: int, num_folds: int = 10, seed: int = 0) -> tuple[Dataset, Dataset]:
        """(train, held out) by trajectory; over all folds every episode is held out exactly once."""
        train, held_out = fold_episodes(self.num_episodes, fold, num_folds, seed)
        return self.take_episodes(train), self.take_episodes(held_out)

    def subset(self, num_episodes: int) -> Dataset:
        """So many episodes from one fixed shuffled order: smaller subsets are contained in larger ones."""
        return self.take_episodes(nested_episodes(self.num_episodes, num_episodes))

    def pairs_within(self, reach: int) -> np.ndarray:
        """(P, 2) int64 rows (v, w) of one episode, w recorded 1 to ``reach`` steps after v.

        Raises:
            DatasetError: for a reach below 1.
        """
        if reach < 1:
            raise DatasetError(f"reach={reach}: neighbours are at least 1 recorded step apart")
        ids = self.episode_ids
        gaps = range(1, min(reach, len(ids) - 1) + 1)
        firsts = [np.flatnonzero(ids[:-gap] == ids[gap:]) for gap in gaps]
        return np.concatenate([np.stack([first, first + gap], 1) for gap, first in zip(gaps, firsts, strict=True)])

    def sample_pairs(
        self, n: int, *, ratio: tuple[float, float, float] = (1, 1, 2), reach: int = 1, rng: np.random.Generator
    ) -> PairBatch:
        """Draw n identical, neighbour and far pairs in this ratio; see `pairs.sample_pairs`.

        Neighbours are up to ``reach`` recorded steps apart.
        """
        neighbours = self.transitions if reach == 1 else self.pairs_within(reach)
        return sample_pairs(neighbours, self.episode_ids, n, ratio=ratio, rng=rng)


def _set_checked(record: Episode | Dataset, rows: np.ndarray, steps: int, num_actions: int | None) -> int | None:
    """Put checked, read-only arrays in the place of what a record was made with; the number of discrete actions."""
    checked: dict[str, np.ndarray] = {"observations": rows}
    if record.actions is not None:
        checked["actions"], num_actions = arrays.actions(record.actions, steps, num_actions)
    if record.oracle_position is not None:
        checked["oracle_position"] = arrays.oracle_position(record.oracle_position, len(rows))
    if record.step_lengths is not None:
        checked["step_lengths"] = arrays.step_lengths(record.step_lengths, steps)
    for name, array in checked.items():
        object.__setattr__(record, name, array)
    return num_actions


def part_of(record: Episode | Dataset, rows: slice | np.ndarray, moves: slice | np.ndarray) -> dict[str, Any]:
    """Some rows of what there is one of for each observation, and some of what there is one of for each step."""
    chosen = {"observations": rows, "oracle_position": rows, "actions": moves, "step_lengths": moves}
    arrays = {name: getattr(record, name) for name in chosen}
    return {name: None if array is None else array[chosen[name]] for name, array in arrays.items()}


def _joined(parts: Sequence[Episode | Dataset]) -> dict[str, Any]:
    """The arrays of several, end to end."""
    names = ("observations", "actions", "oracle_position", "step_lengths")
    return {name: joined([getattr(part, name) for part in parts], name) for name in names}


def _read(path: str | os.PathLike[str], format_name: str | None, **options: Any) -> Dataset:
    from .sources.reading import read

    return read(path, format_name, **options)
