"""Distances along the links of a world, for drawing tasks and for oracles."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import dijkstra

from .record import WorldGraph

LEAST_LENGTH = 1e-3
"""Metres of a link between two panoramas at one coordinate: scipy takes 0 for no link."""


def hops_from(world: WorldGraph, places: np.ndarray | int, limit: float = np.inf) -> np.ndarray:
    """Fewest links from places to all: (...) -> (..., N) float64, infinite beyond the limit."""
    return dijkstra(world.matrix(np.ones(world.num_links)), indices=places, limit=limit, unweighted=True)


def hops_to(world: WorldGraph, place: int, limit: float = np.inf) -> np.ndarray:
    """Fewest links from all places to one: (N,) float64, infinite beyond the limit."""
    return dijkstra(world.matrix(np.ones(world.num_links)).T.tocsr(), indices=place, limit=limit, unweighted=True)


def metres_from(world: WorldGraph, places: np.ndarray | int) -> np.ndarray:
    """Metres of the shortest way from places to all: (...) -> (..., N) float64, infinite where there is none."""
    return dijkstra(world.matrix(np.maximum(world.lengths, LEAST_LENGTH)), indices=places)
