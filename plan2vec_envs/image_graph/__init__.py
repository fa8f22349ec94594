"""Worlds that are graphs of places with pictures: streets, and anything that was photographed step by step."""

from .catalog import get_world, world_names
from .city import make_city
from .file import load_world, save_world
from .record import WorldGraph

__all__ = ["WorldGraph", "get_world", "load_world", "make_city", "save_world", "world_names"]
