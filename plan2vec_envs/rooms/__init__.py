"""An open folder: each module holds one room, called ``ROOM``; to add a room, add a file.

A module elsewhere calls :func:`register_room` instead; ``gym.make("module:Plan2vec/<title>-v0")`` imports it, and so
does everything that looks a room up by name or id, if ``PLAN2VEC_PLUGINS`` names it.
"""

from __future__ import annotations

import importlib
import pkgutil

import gymnasium as gym

from ..errors import InvalidOptionError, check_name
from ..geometry import Room
from ..plugins import load_plugins

ROOMS: dict[str, Room] = {}
"""By name: those of the folder, the simplest (least blocked floor) first, then what was registered besides."""


def register_room(room: Room) -> Room:
    """Make a room known by its name, and by its id to Gymnasium.

    Args:
        room: with a name and a title of its own; the same room may come again.

    Returns:
        The room that is known by this name from now on.

    Raises:
        InvalidOptionError: if another room has the name, or another environment the id.
    """
    if (known := ROOMS.get(room.name)) is not None:
        if vars(known) == vars(room):
            return known
        raise InvalidOptionError(
            f"there is another room called {room.name!r}; choose another name, or `del ROOMS[{room.name!r}]` first"
        )
    if room.env_id not in gym.registry:
        # Strings, so that a spec can be written as JSON and made in a process that never imported us.
        gym.register(
            room.env_id,
            entry_point="plan2vec_envs.maze.env:MazeEnv",
            vector_entry_point="plan2vec_envs.maze.vector:MazeVectorEnv",
            max_episode_steps=50,
            kwargs={"room": room.name},
        )
    elif gym.spec(room.env_id).kwargs.get("room") != room.name:
        raise InvalidOptionError(f"room {room.name!r}: there is another {room.env_id}; choose another title")
    ROOMS[room.name] = room
    return room


def get_room(name: str) -> Room:
    """The room of this name, of a plugin if need be.

    Raises:
        UnknownNameError: naming the closest room.
    """
    if name not in list(ROOMS):
        load_plugins()
    return ROOMS[check_name("room", name, ROOMS)]


def room_of(env_id: str) -> Room:
    """The room of this environment, of a plugin if need be.

    Raises:
        UnknownNameError: naming the closest id of a room.
    """
    if env_id not in gym.registry:
        load_plugins()
    by_id = {room.env_id: room for room in ROOMS.values()}
    return by_id[check_name("environment", env_id, by_id)]


def _load() -> None:
    rooms: list[Room] = []
    for module in pkgutil.iter_modules(__path__):
        room = getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROOM", None)
        if not isinstance(room, Room) or room.name != module.name:
            raise TypeError(f"{__name__}.{module.name} must define ROOM, a Room named '{module.name}'")
        rooms.append(room)
    for room in sorted(rooms, key=lambda room: (sum(rect.area for rect in room.obstacles), room.name)):
        register_room(room)


_load()
