"""Worlds with goals that are shown as images, as Gymnasium environments: rooms, streets, a rope, and recorded pictures.

Importing this package registers one id a room, listed in ``ROOM_IDS``, and those of the others; all in ``ALL_ENV_IDS``.
"""

from __future__ import annotations

import gymnasium as gym

from .errors import FrameError, InvalidActionError, InvalidOptionError, Plan2vecError, UnknownNameError, suggest
from .rooms import ROOMS, get_room

ROOM_IDS: tuple[str, ...] = tuple(room.env_id for room in ROOMS.values())
STREET_ID = "Plan2vec/StreetLearn-v0"
ROPE_ID = "Plan2vec/Rope-v0"
ROPE_OFFLINE_ID = "Plan2vec/RopeOffline-v0"
ALL_ENV_IDS: tuple[str, ...] = (*ROOM_IDS, STREET_ID, ROPE_ID, ROPE_OFFLINE_ID)

__all__ = [
    "ALL_ENV_IDS",
    "ROOMS",
    "ROOM_IDS",
    "ROPE_ID",
    "ROPE_OFFLINE_ID",
    "STREET_ID",
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
            entry_point="plan2vec_envs.maze.env:MazeEnv",
            vector_entry_point="plan2vec_envs.maze.vector:MazeVectorEnv",
            max_episode_steps=50,
            kwargs={"room": room.name},
        )
    if STREET_ID not in gym.registry:
        gym.register(STREET_ID, entry_point="plan2vec_envs.image_graph.env:ImageGraphEnv", max_episode_steps=200)
    if ROPE_ID not in gym.registry:
        gym.register(ROPE_ID, entry_point="plan2vec_envs.rope.env:RopeEnv", max_episode_steps=200)
    if ROPE_OFFLINE_ID not in gym.registry:
        gym.register(ROPE_OFFLINE_ID, entry_point="plan2vec_envs.image_graph.offline:OfflineEnv", max_episode_steps=200)


_register()
