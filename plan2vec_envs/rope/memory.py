"""Which configuration a picture shows, for pictures that were shown here."""

from __future__ import annotations

import hashlib

import numpy as np

from ..errors import InvalidOptionError
from .shape import NODES

REMEMBERED = 100_000
"""Pictures; the oldest are forgotten. At the most it takes some 50 MB."""


class FrameMemory:
    """Configurations by the pictures that they were drawn as.

    Nodes cannot be read back from a picture exactly, so what was drawn is written down instead.
    """

    def __init__(self) -> None:
        """Remember nothing."""
        self._nodes: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        """How many pictures are remembered."""
        return len(self._nodes)

    def remember(self, frame: np.ndarray, nodes: np.ndarray) -> None:
        """Note that this (1, 64, 64) picture shows these (22, 2) nodes."""
        key = _key(frame)
        self._nodes.pop(key, None)  # to the end of the row
        self._nodes[key] = nodes.tobytes()
        if len(self._nodes) > REMEMBERED:
            del self._nodes[next(iter(self._nodes))]

    def look_up(self, frame: np.ndarray) -> np.ndarray:
        """The (22, 2) float64 nodes of a picture.

        Raises:
            InvalidOptionError: for a picture that was not shown here, or too long ago.
        """
        nodes = self._nodes.get(_key(frame))
        if nodes is None:
            raise InvalidOptionError(
                f"compute_reward was given a picture that is none of the last {REMEMBERED:,} that this environment has "
                "shown, and nodes cannot be read from a picture; hand over the step's info, whose oracle_position and "
                "oracle_goal are used where they belong to the pictures (hindsight buffers: copy_info_dict=True)"
            )
        return np.frombuffer(nodes).reshape(NODES, 2)


def _key(frame: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(frame).tobytes(), digest_size=16).digest()
