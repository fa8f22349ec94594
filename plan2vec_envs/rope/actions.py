"""From actions to the node that is taken and how far the hand moves."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from ..errors import InvalidActionError, check_name
from .physics import REACH
from .shape import NODES

ACTION_TYPES = ("box", "discrete")
GRIPS = (7, 14, 21)
"""Nodes that discrete actions take: a third of the way, two thirds, the tip."""
_DIAGONAL = np.sqrt(0.5)
DIRECTIONS = np.array(
    [(1, 0), (_DIAGONAL, _DIAGONAL), (0, 1), (-_DIAGONAL, _DIAGONAL), (-1, 0), (-_DIAGONAL, -_DIAGONAL), (0, -1),
     (_DIAGONAL, -_DIAGONAL)]
)  # fmt: skip
"""(8, 2) unit steps (x right, y down): right, right and down, down, and so on round."""


def link_share(node: int) -> float:
    """The first number of a box action that takes this node: -1 next to the tether, 1 at the tip."""
    return 2 * (node - 1) / (NODES - 2) - 1


class RopeActions:
    """The meaning of one action type.

    ``box``: (3,) float32 in [-1, 1]: which node, from the one next to the tether to the tip, then x and y of the drag
    in units of 2.5 pixels; values outside are clipped. ``discrete``: 3 nodes x 8 directions, number 8 * grip +
    direction, each a drag by 2.5 pixels.
    """

    def __init__(self, action_type: str) -> None:
        """Look up the type.

        Raises:
            UnknownNameError: naming the closest action type.
        """
        self.type = check_name("action_type", action_type, ACTION_TYPES)

    def space(self) -> gym.Space:
        """A new space of single actions."""
        if self.type == "discrete":
            return gym.spaces.Discrete(len(GRIPS) * len(DIRECTIONS))
        return gym.spaces.Box(-1.0, 1.0, (3,), np.float32)

    def read(self, action: Any) -> tuple[int, np.ndarray]:
        """What the hand does.

        Returns:
            The node it takes, 1 to 21, and the (2,) float64 pixels that it moves.

        Raises:
            InvalidActionError: for another type or shape, an unknown number, or a NaN.
        """
        array = np.asarray(action)
        if self.type == "discrete":
            count = len(GRIPS) * len(DIRECTIONS)
            if array.ndim or array.dtype.kind not in "iu" or not 0 <= array < count:
                raise InvalidActionError(f"action {action!r} is none of the 'discrete' actions 0 to {count - 1}")
            grip, direction = divmod(int(array), len(DIRECTIONS))
            return GRIPS[grip], REACH * DIRECTIONS[direction]
        if array.shape != (3,) or array.dtype.kind not in "fiu" or np.isnan(array).any():
            raise InvalidActionError(f"action {action!r} is no 'box' action: three numbers in [-1, 1], link, dx and dy")
        link, dx, dy = np.clip(array.astype(np.float64), -1.0, 1.0).tolist()
        return 1 + round((link + 1) / 2 * (NODES - 2)), REACH * np.array([dx, dy])
