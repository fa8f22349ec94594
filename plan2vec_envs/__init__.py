"""Worlds with goals that are shown as images, as Gymnasium environments: rooms, streets, a rope, and recorded pictures.

Importing this package registers one id a room, listed in ``ROOM_IDS``, and those of the others; all in ``ALL_ENV_IDS``.
Rooms of other people (`register_room`) are in ``ROOMS`` once they are registered.
"""

from __future__ import annotations

import gymnasium as gym

from .errors import FrameError as FrameError
from .errors import InvalidActionError as InvalidActionError
from .errors import InvalidOptionError as InvalidOptionError
from .errors import Plan2vecError as Plan2vecError
from .errors import UnknownNameError as UnknownNameError
from .errors import suggest as suggest
from .rooms import ROOMS as ROOMS
from .rooms import get_room as get_room
from .rooms import register_room as register_room

ROOM_IDS: tuple[str, ...] = tuple(room.env_id for room in ROOMS.values())
STREET_ID = "Plan2vec/StreetLearn-v0"
ROPE_ID = "Plan2vec/Rope-v0"
ROPE_OFFLINE_ID = "Plan2vec/RopeOffline-v0"
ALL_ENV_IDS: tuple[str, ...] = (*ROOM_IDS, STREET_ID, ROPE_ID, ROPE_OFFLINE_ID)

for _env_id, _entry_point in (
    (STREET_ID, "plan2vec_envs.image_graph.env:ImageGraphEnv"),
    (ROPE_ID, "plan2vec_envs.rope.env:RopeEnv"),
    (ROPE_OFFLINE_ID, "plan2vec_envs.image_graph.offline:OfflineEnv"),
):
    if _env_id not in gym.registry:  # a reload; registering twice would warn
        gym.register(_env_id, entry_point=_entry_point, max_episode_steps=200)
