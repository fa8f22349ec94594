"""Trunks that turn observations into latents. An open folder: one trunk a file, each registers its names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .coord_cnn import CoordCNN, PlainCNN
from .ensemble import Ensemble
from .frames import ROWS_AT_ONCE, Frames, embed_in_chunks, in_chunks, prepare_in_chunks
from .pooled_mlp import PooledMLP
from .trunk import TRUNKS, Standardiser, Trunk, mlp, register_trunk

__all__ = [
    "ROWS_AT_ONCE",
    "TRUNKS",
    "CoordCNN",
    "Ensemble",
    "Frames",
    "PlainCNN",
    "PooledMLP",
    "Standardiser",
    "Trunk",
    "build_trunk",
    "embed_in_chunks",
    "in_chunks",
    "mlp",
    "prepare_in_chunks",
    "prepared_bytes",
    "register_trunk",
]


def build_trunk(name: str, observation_shape: Sequence[int], latent_dim: int, hidden: int) -> Trunk:
    """A trunk by name; vectors get the MLP in place of a trunk that is made for rows and columns.

    Args:
        name: A registered name.
        observation_shape: (C, H, W) of an image or (D,) of a vector.
        latent_dim: Dimensions of the latents.
        hidden: Width of the hidden layers; the trunks of the paper have widths of their own.

    Raises:
        UnknownNameError: with the closest known name.
        ObservationError: if the trunk is made for images of another size.
    """
    return _trunk(name, observation_shape)(observation_shape, latent_dim, hidden)


def prepared_bytes(name: str, observation_shape: Sequence[int]) -> int:
    """Bytes of one observation as the trunk of that name keeps it while it learns."""
    return _trunk(name, observation_shape).prepared_bytes(observation_shape)


def _trunk(name: str, observation_shape: Sequence[int]) -> Any:
    trunk = TRUNKS.find(name)
    return trunk if len(observation_shape) == 3 or trunk.takes_vectors else PooledMLP
