"""Rooms in which a square is pushed to a goal image, as Gymnasium environments.

Importing this package registers one id a room, listed in ``ALL_ENV_IDS``.
"""

from __future__ import annotations

import gymnasium as gym

from .errors import (
    FrameError,
    InvalidActionError,
    InvalidOptionError,
    Plan2vecError,
    UnknownNameError,
    suggest,
)
from .rooms import ROOMS, get_room

ALL_ENV_IDS: tuple[str, ...] = tuple(room.env_id for room in ROOMS.values())

__all__ = [
    "ALL_ENV_IDS",
    "ROOMS",
    "FrameError",
    "InvalidActionError",
    "InvalidOptionError",
    "Plan2vecError",
    "UnknownNameError",
    "get_room",
    "suggest",
]


def _register() -> None:
    for room in ROOMS.values():
        if room.env_id in gym.registry:  # a reload; registering twice would warn
            continue
        # Strings, so that a spec can be written as JSON and made in a process that never imported us.
        gym.register(
            room.env_id,
            entry_point="plan2vec_envs.maze:MazeEnv",
            vector_entry_point="plan2vec_envs.vector:MazeVectorEnv",
            max_episode_steps=50,
            kwargs={"room": room.name},
        )


_register()
