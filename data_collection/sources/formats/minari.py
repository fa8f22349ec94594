"""Minari datasets kept as HDF5, by folder or by id. The package Minari is not needed, only the extra `data`.

Minari itself makes the environment that a dataset names, whatever its entry point; here nothing named in it is run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.errors import CorruptFileError, MissingFileError, SourceError, suggest
from plan2vec_envs.io.archive import MAX_BYTES

from ...records import Dataset
from ..conversions import positions_of
from ..files.hdf5 import arrays_in, import_h5py, members, open_hdf5, read_numbers, require_room
from ..files.pictures import decode_picture
from ..repairs import EpisodeRepairs
from ..trajectory_builder import TrajectoryBuilder
from . import Format

DATASET_ID = re.compile(r"(?:[-\w]{2,}/)*[-\w]+-v\d+")
OURS = "plan2vec"  # what write_minari adds to the metadata
_EPISODE = re.compile(r"episode_(\d+)")
_EMPTY = {"rewards", "terminations", "truncations"}  # in what we wrote: they tell nothing
_DATA, _METADATA = "main_data.hdf5", "metadata.json"


def read_minari(
    path: str | os.PathLike[str],
    *,
    oracle: str | None = None,
    max_bytes: int = MAX_BYTES,
    **options: Any,
) -> tuple[Dataset, EpisodeRepairs]:
    """Episodes of a Minari dataset.

    Args:
        path: its folder, which holds data/main_data.hdf5 and data/metadata.json; or its id, such as
            D4RL/pointmaze/umaze-v2, of a dataset that is there (`minari download`): nothing is fetched.
        oracle: array of true positions, such as infos/qpos; by default none is read.
        max_bytes: refuse to read more.
        options: ``keys``, ``layout``, ``drop_pauses`` and ``max_jump``, those of `TrajectoryBuilder`.

    Returns:
        The dataset and what was mended; exactly what was written, if `write_minari` wrote it.

    Raises:
        MissingExtraError: if h5py is not installed.
        MissingFileError: if there is no such folder or id.
        CorruptFileError: if a file is truncated or damaged.
        FileTooLargeError: if the arrays that are needed take more than max_bytes.
        SourceError: if it is kept otherwise than as HDF5, arrays are missing, or hold what a dataset cannot.
    """
    folder = _find(path)
    metadata = _metadata(folder / _METADATA)
    if (kept := metadata.get("data_format", "hdf5")) != "hdf5":
        raise SourceError(f"{folder} is kept as {kept!r}; need 'hdf5'. Make one with Minari's data_format='hdf5'")
    ours = metadata.get(OURS)
    reading = _Reading(
        TrajectoryBuilder(**options),
        observed=_space(metadata, "observation_space", folder),
        moves=_space(metadata, "action_space", folder),
        ours=ours if isinstance(ours, dict) else {},
        oracle=oracle,
        room=max_bytes,
    )
    with open_hdf5(folder / _DATA) as file:
        groups = {name: group for name, group in members(file, str(folder / _DATA)).items() if _EPISODE.fullmatch(name)}
        if len(groups) != metadata.get("total_episodes", len(groups)):
            raise CorruptFileError(
                f"{folder / _DATA} holds {len(groups)} episodes, but {_METADATA} says {metadata['total_episodes']}; "
                "fetch it again"
            )
        for name in sorted(groups, key=lambda name: int(name[8:])):
            if not isinstance(groups[name], import_h5py().Group):
                raise CorruptFileError(f"{folder / _DATA}, {name} is no group; fetch it again")
            reading.add(groups[name], f"{folder}, {name}")
    return reading.finish(str(folder))


def minari_root() -> Path:
    """Where Minari keeps its datasets: MINARI_DATASETS_PATH, or its folder in the user's home."""
    set_to = os.environ.get("MINARI_DATASETS_PATH")
    return Path(set_to) if set_to else Path.home() / ".minari" / "datasets"


def _find(path: str | os.PathLike[str]) -> Path:
    """The folder of the data."""
    text = os.fspath(path)
    if Path(text).exists():
        if (found := _data_folder(Path(text))) is None:
            raise SourceError(
                f"{text} is no Minari dataset: need a folder that holds data/{_DATA} and data/{_METADATA}"
            )
        return found
    if not DATASET_ID.fullmatch(text):
        raise MissingFileError(f"there is no folder {text}, and it is no id of Minari, such as D4RL/pointmaze/umaze-v2")
    if (found := _data_folder(minari_root() / text)) is None:
        raise MissingFileError(
            f"there is no Minari dataset {text!r} in {minari_root()}; fetch it with `minari download {text}`, or set "
            "MINARI_DATASETS_PATH"
        )
    return found


def _data_folder(folder: Path) -> Path | None:
    for found in (folder / "data", folder):
        if (found / _METADATA).is_file():
            return found
    return None


def _metadata(path: Path) -> dict[str, Any]:
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{path} is damaged ({error}); fetch the dataset again") from error
    if not isinstance(metadata, dict):
        raise CorruptFileError(f"{path} is damaged: it is no JSON object; fetch the dataset again")
    return metadata


def _space(metadata: Mapping[str, Any], name: str, folder: Path) -> dict[str, Any]:
    """A space as Minari describes it; an empty one where it only names the environment."""
    try:
        space = json.loads(metadata.get(name, "{}"))
    except (TypeError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{folder / _METADATA}: {name} is damaged ({error}); fetch it again") from error
    return space if isinstance(space, dict) else {}


@dataclass
class _Reading:
    """A dataset that is being read.

    Attributes:
        gathering: where episodes go.
        observed: the space of observations, as Minari describes it.
        moves: that of actions.
        ours: what `write_minari` added, if it wrote the dataset.
        oracle: the array of true positions, or None.
        room: bytes that may still be read.
        left_out: names of what was not.
    """

    gathering: TrajectoryBuilder
    observed: dict[str, Any]
    moves: dict[str, Any]
    ours: Mapping[str, Any]
    oracle: str | None
    room: int
    left_out: set[str] = field(default_factory=set)

    def add(self, group: Any, where: str) -> None:
        """Take in one episode."""
        arrays = arrays_in(group, where)
        seen = {
            name.removeprefix("observations").removeprefix("/"): array
            for name, array in arrays.items()
            if name.split("/")[0] == "observations"
        }
        if not seen:
            raise SourceError(f"{where} has no observations; need an array or a group of them")
        if "actions" not in arrays:
            found = [name for name in arrays if name.startswith("actions/")]
            raise SourceError(f"{where} has {', '.join(found) if found else 'no actions'}; need one array of actions")
        if self.oracle is not None and self.oracle not in arrays:
            raise SourceError(f"{where} has no array {self.oracle!r} of true positions.{suggest(self.oracle, arrays)}")
        keys = self.gathering.keys
        chosen = [key for key in seen if key in keys] if keys is not None else list(seen) if len(seen) == 1 else []
        lengths = arrays.get("infos/step_lengths") if self.ours.get("step_lengths") else None
        used = {*(f"observations/{key}" if key else "observations" for key in chosen), "actions", self.oracle}
        used |= {"infos/step_lengths"} if lengths is not None else set()
        self.room -= require_room((array for name, array in arrays.items() if name in used), where, self.room)
        self.left_out |= set(arrays) - used - (_EMPTY if self.ours else set())
        # Entries that were not chosen stay in their file: `observations` looks at most at their shapes.
        raw = seen | {key: self._decoded(seen[key], key, where) for key in chosen}
        self.gathering.add(
            self.gathering.observations(raw[""] if list(raw) == [""] else raw, f"{where}, observations"),
            self._actions(arrays["actions"], where),
            where=where,
            positions=None if self.oracle is None else self._positions(arrays[self.oracle], where),
            step_lengths=None if lengths is None else read_numbers(lengths, f"{where}, infos/step_lengths"),
        )

    def finish(self, what: str) -> tuple[Dataset, EpisodeRepairs]:
        """The dataset and what was mended."""
        if self.left_out:
            self.gathering.note(f"left out {', '.join(sorted(self.left_out))}")
        is_discrete = self.moves.get("type") == "Discrete" and self._has_actions
        env_id, count = self.ours.get("env_id"), self.moves.get("n") if is_discrete else None
        dataset = self.gathering.dataset(
            what,
            env_id=env_id if isinstance(env_id, str) else None,
            num_actions=count if isinstance(count, int) else None,
        )
        return dataset, self.gathering.repairs()

    @property
    def _has_actions(self) -> bool:
        return self.ours.get("has_actions", True) is not False

    def _positions(self, array: Any, where: str) -> np.ndarray:
        name = f"{where}, {self.oracle}"
        return positions_of(read_numbers(array, name), name, self.gathering.note)

    def _actions(self, array: Any, where: str) -> np.ndarray | None:
        if not self._has_actions:
            return None
        actions = read_numbers(array, f"{where}, actions")
        start = self.moves.get("start")
        if self.moves.get("type") == "Discrete" and isinstance(start, int) and start:
            self.gathering.note(f"discrete actions counted from 0, not from {start}")
            return actions - start
        return actions

    def _decoded(self, array: Any, key: str, where: str) -> np.ndarray:
        """An array of observations; where Minari made JPEGs of pictures it is said that they lost by it."""
        where = f"{where}, observations{'/' if key else ''}{key}"
        space: Any = self.observed
        for name in key.split("/") if key else ():
            inside = space.get("subspaces")
            space = inside.get(name) if isinstance(inside, dict) else None
            space = space if isinstance(space, dict) else {}
        shape = space.get("shape")
        if array.ndim > 2 or space.get("dtype") != "uint8" or not isinstance(shape, list) or len(shape) < 2:
            return read_numbers(array, where)
        if (import_h5py().check_vlen_dtype(array.dtype) or array.dtype) != np.uint8:
            raise SourceError(f"{where} has dtype {array.dtype}; need pictures (T + 1, H, W, C) or their JPEGs")
        self.gathering.note("pictures were kept as JPEG, not as they were seen")
        frames = [decode_picture(row.tobytes(), f"{where}, frame {i}") for i, row in enumerate(array)]
        if len({frame.shape for frame in frames}) > 1:
            raise SourceError(f"{where}: pictures of different sizes; need one size")
        return np.stack(frames)


def _sniff(path: Path) -> bool:
    folder = _data_folder(path)
    return folder is not None and (folder / _DATA).is_file()


FORMAT = Format(
    name="minari",
    doc="a folder of Minari (data/main_data.hdf5 and data/metadata.json), or with --format minari its id",
    sniff=_sniff,
    read=read_minari,
)
