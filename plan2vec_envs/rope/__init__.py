"""A rope that is dragged round two pegs: its shape, physics and pictures, and the environment in `env`."""

from .scale import RopeScale, measure_scale
from .shape import mean_displacement, node_displacement

__all__ = ["RopeScale", "mean_displacement", "measure_scale", "node_displacement"]
