"""First-person views of street graphs: drawn, never photographed."""

from .cache import cached_views
from .nuisance import HARDER, NO_NUISANCE, NUISANCE, Nuisance
from .renderer import RENDERER_VERSION, StreetRenderer

__all__ = [
    "HARDER",
    "NO_NUISANCE",
    "NUISANCE",
    "RENDERER_VERSION",
    "Nuisance",
    "StreetRenderer",
    "cached_views",
]
