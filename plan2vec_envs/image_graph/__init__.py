"""Worlds that are graphs of places with pictures: streets, and anything that was photographed step by step."""

from .file import load_world, save_world
from .record import WorldGraph
from .views import Views

__all__ = ["Views", "WorldGraph", "load_world", "save_world"]
