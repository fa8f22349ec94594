"""Worlds that are graphs of places with pictures: streets, and anything that was photographed step by step."""

from .file import load_world, save_world
from .record import WorldGraph

__all__ = ["WorldGraph", "load_world", "save_world"]
