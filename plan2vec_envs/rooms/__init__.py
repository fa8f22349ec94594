"""An open folder: each module holds one room, called ``ROOM``; to add a room, add a file.

``ROOMS`` maps names to rooms, the simplest (least blocked floor) first.
"""

from __future__ import annotations

import importlib
import pkgutil

from ..errors import check_name
from ..geometry import Room


def _load() -> dict[str, Room]:
    rooms: list[Room] = []
    for module in pkgutil.iter_modules(__path__):
        room = getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROOM", None)
        if not isinstance(room, Room) or room.name != module.name:
            raise TypeError(f"{__name__}.{module.name} must define ROOM, a Room named '{module.name}'")
        rooms.append(room)
    rooms.sort(key=lambda room: (sum(rect.area for rect in room.obstacles), room.name))
    return {room.name: room for room in rooms}


ROOMS: dict[str, Room] = _load()


def get_room(name: str) -> Room:
    """The room of this name.

    Raises:
        UnknownNameError: naming the closest room.
    """
    return ROOMS[check_name("room", name, ROOMS)]
