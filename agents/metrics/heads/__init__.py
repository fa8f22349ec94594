"""Metric heads: the (quasi)metric on latents. An open folder: one head a file, each registers one name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, Protocol

import torch

from data_collection.errors import check_name


class MetricHead(Protocol):
    """Distance on latents; flags and degree are promises that the tests check."""

    is_symmetric: bool
    has_triangle_inequality: bool
    degree: int
    """D(c z, c g) = c^degree D(z, g) for c > 0"""

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""
        ...

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between all pairs, (n, D) and (m, D) -> (n, m)."""
        ...


class InUnits:
    """A head whose distances are counted in units: D = unit * head."""

    def __init__(self, head: MetricHead, unit: float) -> None:
        self.is_symmetric, self.has_triangle_inequality = head.is_symmetric, head.has_triangle_inequality
        self.degree = head.degree
        self._head, self._unit = head, unit

    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""
        return self._unit * self._head.distance(z, g)

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between all pairs, (n, D) and (m, D) -> (n, m)."""
        return self._unit * self._head.pairwise(z, g)


HEADS: dict[str, Callable[..., MetricHead]] = {}


def register_head(name: str) -> Callable[[type], type]:
    """Class decorator: make a head known under ``name``."""

    def add(head: type) -> type:
        HEADS[name] = head
        return head

    return add


def get_head(name: str, **options: Any) -> MetricHead:
    """A new head of the given name.

    Args:
        name: A registered name.
        options: What the head itself can be given, such as ``p`` for "lp".

    Raises:
        UnknownNameError: with the closest registered name.
        ConfigError: for an option that cannot be.
    """
    return HEADS[check_name("metric head", name, HEADS)](**options)


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
