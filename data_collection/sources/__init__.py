"""Foreign files into worlds and datasets.

Streets: one file a source, each with a function ``(path, part, ...) -> (world, repairs)``. Recordings: one file a
format, in `formats`, each with a function ``(path, ...) -> (dataset, repairs)``; `read_episodes` does it from memory.
"""

from .episodes import read_episodes
from .formats import FORMATS, Format
from .minari_writing import write_minari
from .reading import SOURCES, read_recording, read_streets, recognise
from .repairs import EpisodeRepairs, Repairs
from .streets.leveldb import read_streetlearn_leveldb
from .streets.processed import read_streetlearn_processed
from .streets.streets import SUBSETS, Box, Part
from .streets.touchdown import read_touchdown

__all__ = [
    "FORMATS",
    "SOURCES",
    "SUBSETS",
    "Box",
    "EpisodeRepairs",
    "Format",
    "Part",
    "Repairs",
    "read_episodes",
    "read_recording",
    "read_streetlearn_leveldb",
    "read_streetlearn_processed",
    "read_streets",
    "read_touchdown",
    "recognise",
    "write_minari",
]
