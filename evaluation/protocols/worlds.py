"""From an environment id to the room behind it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from plan2vec_envs import ROPE_OFFLINE_ID, STREET_ID, rooms
from plan2vec_envs.errors import UnknownNameError
from plan2vec_envs.rooms import Room


def room_of(env_id: str) -> Room:
    """The room of a registered environment.

    Raises:
        UnknownNameError: with the closest registered id.
    """
    if env_id == STREET_ID:
        raise UnknownNameError(
            f"{env_id} is no room, and this is for rooms: docs/streets.md says how to learn from drives, and "
            "`plan2vec reproduce table2` judges it"
        )
    if env_id == ROPE_OFFLINE_ID:
        raise UnknownNameError(f"{env_id} is no room, and this is for rooms; docs/recordings.md says what it is for")
    return rooms.room_of(env_id)


def make_rooms(env_id: str, num_envs: int, **options: Any) -> Any:
    """Parallel rooms on the native path; a lane that ends begins anew within the same step.

    Args:
        env_id: a registered id.
        num_envs: how many.
        options: of the rooms, and of `gymnasium.make_vec`.

    Raises:
        UnknownNameError: with the closest registered id.
    """
    room_of(env_id)  # an unknown id is refused with the closest name, before gymnasium sees it
    how: dict[str, Any] = {"vectorization_mode": "vector_entry_point", "autoreset_mode": "same_step"}
    return gym.make_vec(env_id, num_envs=num_envs, **how, **options)


def short_name(env_id: str) -> str:
    """`Plan2vec/CMaze-v0` becomes `CMaze`."""
    return env_id.partition("/")[2].rpartition("-v")[0] or env_id
