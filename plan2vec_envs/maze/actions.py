"""From actions to the displacement that they ask for."""

from __future__ import annotations

import itertools

import gymnasium as gym
import numpy as np

from ..errors import InvalidActionError, check_name
from ..geometry import STEP

BOX_STEP = 2 * STEP  # metres an axis at full scale

# x-major from south-west to north-east; without the no-op in the middle there are eight.
_NINE_MOVES = STEP * np.array(list(itertools.product((-1, 0, 1), repeat=2)), dtype=np.float64)
_MOVES = {"discrete": np.delete(_NINE_MOVES, 4, axis=0), "discrete9": _NINE_MOVES}
ACTION_TYPES = (*_MOVES, "box")


class Actions:
    """The meaning of one action type.

    ``discrete``: eight moves of ±STEP or 0 along each axis. ``discrete9``: the same with a no-op (4).
    ``box``: (2,) float32 in [-1, 1], ±BOX_STEP metres an axis at full scale; values outside are clipped.
    """

    def __init__(self, action_type: str) -> None:
        """Look up the moves.

        Raises:
            UnknownNameError: naming the closest action type.
        """
        self.type = check_name("action_type", action_type, ACTION_TYPES)
        self.moves: np.ndarray | None = _MOVES.get(action_type)  # (A, 2) metres

    def space(self) -> gym.Space:
        """A new space of single actions."""
        if self.moves is not None:
            return gym.spaces.Discrete(len(self.moves))
        return gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def displacement(self, actions: np.ndarray) -> np.ndarray:
        """Metres that each action moves an agent in free space.

        Args:
            actions: (B,) integers, or (B, 2) numbers for ``box``.

        Returns:
            (B, 2) float64.

        Raises:
            InvalidActionError: for another type or shape, an unknown move, or a NaN.
        """
        actions = np.asarray(actions)
        if self.moves is None:
            if actions.ndim != 2 or actions.shape[1] != 2 or actions.dtype.kind not in "fiu":
                raise self._error(actions, "two numbers in [-1, 1]")
            clipped = np.clip(actions.astype(np.float64), -1.0, 1.0)
            if np.isnan(clipped).any():
                raise self._error(actions, "numbers, not NaN")
            return BOX_STEP * clipped
        if actions.ndim != 1 or actions.dtype.kind not in "iu":
            raise self._error(actions, "one integer")
        if len(actions) and not (actions.min() >= 0 and actions.max() < len(self.moves)):
            raise self._error(actions, f"one of 0 to {len(self.moves) - 1}")
        return self.moves[actions]

    def _error(self, actions: np.ndarray, wanted: str) -> InvalidActionError:
        values = np.array2string(actions, threshold=8)
        return InvalidActionError(
            f"each of these '{self.type}' actions must be {wanted}; "
            f"got {actions.dtype} of shape {actions.shape}: {values}"
        )
