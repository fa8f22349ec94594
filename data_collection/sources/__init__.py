"""Foreign files into worlds: one file a source, each with a function ``(path, part, ...) -> (world, repairs)``."""

from .geography import SUBSETS, Box
from .reading import SOURCES, read_streets
from .repairs import Repairs
from .streetlearn_leveldb import read_streetlearn_leveldb
from .streetlearn_processed import read_streetlearn_processed
from .streets import Part
from .touchdown import read_touchdown

__all__ = [
    "SOURCES",
    "SUBSETS",
    "Box",
    "Part",
    "Repairs",
    "read_streetlearn_leveldb",
    "read_streetlearn_processed",
    "read_streets",
    "read_touchdown",
]
