"""Worlds by name: cities are made on the fly, real streets are found where the user put their world files."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import InvalidOptionError, MissingFileError, UnknownNameError, suggest
from ..io.folders import world_folders
from .city import make_city
from .drawn_rope import make_drawn_rope
from .file import load_world
from .record import WorldGraph

STREET_WORLDS = ("tiny", "small", "medium", "large", "xl", "full")
CITY_WORLDS = ("city", "city-one-way", "city-river", "city-one-way-river", "city-1500", "city-one-way-1500")
FRAME_WORLDS = ("rope",)
_CITY = re.compile(r"city(?P<one_way>-one-way)?(?P<river>-river)?(-(?P<num_places>[1-9][0-9]{0,5}))?")
_NAME = re.compile(r"[\w-]+")
_HOW_TO = "`plan2vec world SOURCE PATH` makes a world file of foreign files"


def get_world(name: str | os.PathLike[str]) -> WorldGraph:
    """A world by name, or out of a file.

    Args:
        name: 'city', with '-one-way', '-river' and a number of places behind it as wanted, in this order, such as
            'city-river-1500' (250 places otherwise); 'rope', whose places are drawn pictures of one; the name of a
            world file in PLAN2VEC_DATA/worlds or in the folder `worlds` of the cache; or the path of a world file.

    Raises:
        UnknownNameError: if there is no such world.
        MissingFileError: if it is one of real streets whose file was not made yet, or a path to nothing.
        StorageError: as `load_world` does.
    """
    text = os.fspath(name)
    if not isinstance(name, str) or not _NAME.fullmatch(text):  # a path has a dot or a separator
        if text != os.path.basename(text) or text.endswith(".npz") or Path(text).is_file():
            return load_world(text)
        raise _unknown(text)
    if city := _CITY.fullmatch(text):
        size = city["num_places"]
        options = {"one_way": bool(city["one_way"]), "river": bool(city["river"])}
        return make_city(**options) if size is None else make_city(int(size), **options)
    if text in FRAME_WORLDS:
        return make_drawn_rope()
    for folder in world_folders():
        if (path := folder / f"{text}.npz").is_file():
            return load_world(path)
    if text in STREET_WORLDS:
        places = " or ".join(str(folder) for folder in world_folders())
        raise MissingFileError(
            f"world {text!r} is one of real streets, and there is no {text}.npz in {places}. "
            f"Make it: `plan2vec world touchdown PATH --subset {text}`, with PATH the folder of nodes.txt and links.txt"
        )
    raise _unknown(text)


def world_names() -> list[str]:
    """What `get_world` would find now: some cities, the rope, and every world file in its folders."""
    found = {path.stem for folder in world_folders() for path in sorted(folder.glob("*.npz"))}
    streets = [name for name in STREET_WORLDS if name in found]
    made = (*CITY_WORLDS, *FRAME_WORLDS)
    return [*made, *streets, *sorted(found - set(streets) - set(made))]


def check_file_name(name: str) -> str:
    """Return a name under which `get_world` finds a file of the world folders.

    Raises:
        InvalidOptionError: if it would be read as a path, or as a world that is made on the fly.
    """
    if not _NAME.fullmatch(name) or _CITY.fullmatch(name) or name in FRAME_WORLDS:
        raise InvalidOptionError(
            f"a world file cannot be called {name!r}: names have letters, digits, - and _, and those like 'city', "
            "'city-250' or 'rope' are made on the fly"
        )
    return name


def _unknown(name: str) -> UnknownNameError:
    known = dict.fromkeys([*world_names(), *STREET_WORLDS])  # those that were not made yet come last
    return UnknownNameError(f"unknown world {name!r}.{suggest(name, known)} {_HOW_TO}")
