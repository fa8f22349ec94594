"""A dataset of pictures as a world to hop around in."""

from __future__ import annotations

from typing import Any

import numpy as np

from plan2vec_envs.image_graph import WorldGraph, world_of_frames

from ..errors import DatasetError
from ..records import Dataset


def world_of_dataset(dataset: Dataset, name: str, edges: np.ndarray | None = None, **about: Any) -> WorldGraph:
    """A world whose place v is row v of a dataset, for `Plan2vec/RopeOffline-v0` once `save_world` has written it.

    Recorded transitions lead there and back, as long as the dataset's ``step_lengths``, else 1 each: moves that can be
    undone are assumed, as for ropes. Positions are ``oracle_position`` where the dataset has it (the mean of many
    points), else a layout for drawing; see `world_of_frames`.

    Args:
        dataset: of images.
        name: of the world.
        edges: (E, 2) rows, from and to; links of length 1 to add, such as those that a learned metric finds. Without
            any, each trajectory is a world of its own.
        about: more to say about it, plain JSON.

    Raises:
        DatasetError: if it holds vectors.
        WorldError: if an edge is none.
    """
    if not dataset.is_image:
        raise DatasetError(
            f"the dataset holds vectors {dataset.observation_shape}; a world shows pictures (C, H, W) uint8"
        )
    position = dataset.oracle_position
    if position is not None and position.ndim == 3:  # of many points: their middle
        position = position.mean(1)
    return world_of_frames(
        name,
        dataset.observations,
        dataset.episode_lengths,
        edges,
        move_lengths=dataset.step_lengths,
        oracle_position=position,
        about={"source": "dataset", "fingerprint": dataset.fingerprint, **about},
    )
