"""From an environment id to the room behind it."""

from __future__ import annotations

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


def short_name(env_id: str) -> str:
    """`Plan2vec/CMaze-v0` becomes `CMaze`."""
    return env_id.partition("/")[2].rpartition("-v")[0] or env_id
