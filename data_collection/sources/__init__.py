"""Foreign files into worlds and datasets.

Streets: one file a source, each with a function ``(path, part, ...) -> (world, repairs)``. Recordings: one file a
format, in `formats`, each with a function ``(path, ...) -> (dataset, repairs)``; `read_episodes` does it from memory.
"""

from .episodes import read_episodes
from .formats import FORMATS
from .minari_writing import write_minari
from .reading import SOURCES, read_streets
from .recording import Format
from .recordings import read_recording, recognise
from .repairs import EpisodeRepairs, Repairs
from .streets.geography import SUBSETS, Box
from .streets.leveldb import read_streetlearn_leveldb
from .streets.processed import read_streetlearn_processed
from .streets.streets import Part
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
