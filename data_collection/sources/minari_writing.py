"""A dataset as one of Minari, lossless: never as JPEG, which is what Minari does unless it is told not to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from plan2vec_envs.errors import InvalidOptionError

from ..errors import import_extra
from ..records import Dataset
from ..storage import atomic_folder
from .formats.minari import DATASET_ID, OURS, minari_root


def write_minari(dataset: Dataset, where: str | os.PathLike[str], *, oracle: bool = False) -> Path:
    """Write a dataset that Minari opens, and that `read_minari` reads back unchanged.

    Rewards are 0 and every episode ends by truncation: a dataset records neither. Where it has no actions, Minari,
    which asks for some, sees the only action of `Discrete(1)`.

    Args:
        dataset: what to write.
        where: a text that is an id of Minari, such as plan2vec/rope-v0: it is written where Minari keeps its
            datasets. Else a folder, such as Path("rope-v0") or "./rope-v0"; `minari.MinariDataset(folder / "data")`
            opens it.
        oracle: write the true positions too, as infos/oracle_position.

    Returns:
        The folder written; it appears there in one step, when it is whole.

    Raises:
        MissingExtraError: if Minari is not installed.
        InvalidOptionError: if something is there already, or true positions are asked for that there are none of.
        StorageError: if it cannot be written; nothing was left behind.
    """
    for package in ("h5py", "minari"):  # Minari asks for the former only when it writes
        minari = import_extra(package, "writing Minari datasets", "minari")
    if oracle and dataset.oracle_position is None:
        raise InvalidOptionError("oracle=True was asked for, but the dataset has no true positions; leave it out")
    is_id = isinstance(where, str) and DATASET_ID.fullmatch(where) is not None
    target = (minari_root() / where if is_id else Path(where)).absolute()  # Minari loses its way in relative ones
    if target.exists():
        raise InvalidOptionError(f"there is something at {target} already; name another, or remove it first")
    name = str(where) if is_id else _id_of(target)
    with atomic_folder(target, 2 * dataset.observations.nbytes) as folder:
        _write(minari, dataset, folder, name, oracle)
        folder.chmod(target.parent.stat().st_mode & 0o777)  # temporary ones are private
    if is_id and "/" in name:
        from minari.namespace import create_namespace, list_local_namespaces

        if (namespace := name.rpartition("/")[0]) not in list_local_namespaces():
            create_namespace(namespace)
    return target


def _id_of(folder: Path) -> str:
    """An id for a dataset that lies elsewhere."""
    name = re.sub(r"[^-\w]", "-", folder.name)
    return f"{OURS}/{name}" if DATASET_ID.fullmatch(name) else f"{OURS}/{name}-v0"


def _write(minari: Any, dataset: Dataset, folder: Path, name: str, oracle: bool) -> None:
    from minari.dataset.minari_storage import MinariStorage

    low, high, dtype = (0, 255, np.uint8) if dataset.is_image else (-np.inf, np.inf, np.float32)
    moves: gym.Space = gym.spaces.Discrete(dataset.num_actions or 1)
    if dataset.actions is not None and dataset.num_actions is None:
        moves = gym.spaces.Box(-np.inf, np.inf, dataset.actions.shape[1:], np.float32)
    storage = MinariStorage.new(
        folder / "data",
        observation_space=gym.spaces.Box(low, high, dataset.observation_shape, dtype),
        action_space=moves,
        data_format="hdf5",
        jpeg_encoding=False,
    )
    storage.update_metadata(
        {
            "dataset_id": name,
            "minari_version": minari.__version__,
            "description": f"{dataset!r}, written by plan2vec",
            OURS: {
                "env_id": dataset.env_id,
                "has_actions": dataset.actions is not None,
                "step_lengths": dataset.step_lengths is not None,
                "fingerprint": dataset.fingerprint,
            },
        }
    )
    storage.update_episodes(_buffers(dataset, oracle))


def _buffers(dataset: Dataset, oracle: bool) -> Iterator[Any]:
    from minari.data_collector import EpisodeBuffer

    for number, episode in enumerate(dataset.episodes()):
        steps = len(episode)
        infos = {
            "oracle_position": episode.oracle_position if oracle else None,
            "step_lengths": episode.step_lengths,
        }
        yield EpisodeBuffer(
            id=number,
            observations=episode.observations,
            actions=np.zeros(steps, np.int64) if episode.actions is None else episode.actions,
            rewards=np.zeros(steps),
            terminations=np.zeros(steps, bool),
            truncations=np.arange(steps) == steps - 1,
            infos={key: array for key, array in infos.items() if array is not None},
        )
