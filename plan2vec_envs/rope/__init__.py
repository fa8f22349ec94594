"""A rope that is dragged round two pegs: its shape, physics and pictures, and the environment in `env`."""

from .shape import node_displacement

__all__ = ["node_displacement"]
