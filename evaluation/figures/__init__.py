"""Figures as PNG (or GIF) bytes; matplotlib is imported when the first one is drawn."""

from .calibration import calibration_figure
from .edges import edges_figure
from .gif import agents_gif, tasks_gif
from .latents import embedding_figure
from .rooms import gallery_figure, rooms_figure
from .value_map import value_map_figure

__all__ = [
    "agents_gif",
    "calibration_figure",
    "edges_figure",
    "embedding_figure",
    "gallery_figure",
    "rooms_figure",
    "tasks_gif",
    "value_map_figure",
]
