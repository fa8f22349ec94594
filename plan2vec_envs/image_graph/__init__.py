"""Worlds that are graphs of places with pictures: streets, and anything that was photographed step by step."""

from .catalog import get_world, world_names
from .city import make_city
from .drawn_rope import make_drawn_rope
from .file import load_world, save_world
from .frames import world_of_frames
from .record import WorldGraph
from .views import Views, get_views

__all__ = [
    "Views",
    "WorldGraph",
    "get_views",
    "get_world",
    "load_world",
    "make_city",
    "make_drawn_rope",
    "save_world",
    "world_names",
    "world_of_frames",
]
