"""Foreign files into worlds: one file a source, each with a function ``(path, part, ...) -> (world, repairs)``."""

from .geography import SUBSETS, Box
from .repairs import Repairs
from .streets import Part
from .touchdown import read_touchdown

__all__ = ["SUBSETS", "Box", "Part", "Repairs", "read_touchdown"]
