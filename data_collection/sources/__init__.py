"""Foreign files into worlds and datasets.

Streets: one file a source, each with a function ``(path, part, ...) -> (world, repairs)``. Recordings: one file a
format, in `formats`, each with a function ``(path, ...) -> (dataset, repairs)``; `read_episodes` does it from memory.
"""

from .episodes import read_episodes as read_episodes
from .formats import FORMATS as FORMATS
from .minari_writing import write_minari as write_minari
from .reading import read_recording as read_recording
from .reading import read_streets as read_streets
from .reading import recognise as recognise
