"""Metric heads: the (quasi)metric on latents. An open folder: one head a file, each registers one name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch

from data_collection.registry import Registry


class MetricHead(ABC):
    """Distance on latents; flags and degree are promises that the tests check.

    A head is a frozen dataclass whose fields are its options. It has no weights.
    """

    kind: ClassVar[str]
    is_symmetric: ClassVar[bool]
    has_triangle_inequality: ClassVar[bool]
    degree: ClassVar[int]
    """D(c z, c g) = c^degree D(z, g) for c > 0"""

    @abstractmethod
    def distance(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between matching latents, (..., D) and (..., D) -> (...)."""

    def pairwise(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Distances between all pairs, (n, D) and (m, D) -> (n, m)."""
        return self.distance(z[:, None], g[None])

    @classmethod
    def kinds(cls) -> dict[str, type]:
        """All heads by name."""
        return dict(HEADS)


HEADS = Registry("metric head", __name__)


def register_head(head: type[MetricHead]) -> type[MetricHead]:
    """Class decorator: make a head known under its ``kind``."""
    HEADS[head.kind] = head
    return head


def get_head(name: str, **options: Any) -> MetricHead:
    """A new head of the given name.

    Args:
        name: A registered name.
        options: What the head itself can be given, such as ``p`` for "lp".

    Raises:
        UnknownNameError: with the closest registered name.
        ConfigError: for an option that cannot be.
    """
    return HEADS.find(name)(**options)
