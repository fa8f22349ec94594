"""How far it is to the goal from places that a forward model imagines: the nearest vertices know the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from data_collection.errors import check_name


@dataclass(frozen=True)
class ForesightConfig:
    """Who is asked about the way, and how far the answer is trusted."""

    guide: Literal["ways", "metric"] = "ways"
    """"ways": shortest ways on the graph, one search a goal and look-ups from then on; "metric": D of the vertices'
    latents, no search at all"""
    nearest: int = 20
    """vertices around the present place that an imagined place may go on from"""
    off_graph: float = 2.0
    """what a step outside the graph costs, to a vertex or straight to the goal: nobody has been there"""
    reach: float = 2.5
    """steps; from so near the goal an imagined place may go straight there"""

    def __post_init__(self) -> None:
        check_name("guide", self.guide, ("ways", "metric"))


def ways_ahead(
    config: ForesightConfig, imagined: torch.Tensor, vertices: torch.Tensor, way: torch.Tensor, goal: torch.Tensor
) -> torch.Tensor:
    """Steps to the goal from each imagined place: to a vertex and on from there, or straight.

    Args:
        config: What steps outside the graph cost.
        imagined: (B, K, Q) local latents after each of K actions.
        vertices: (B, M, Q) local latents of the vertices around.
        way: (B, M) steps from each of them to the goal.
        goal: (B, Q) local latents of the goals.

    Returns:
        (B, K).
    """
    by_vertex = (config.off_graph * torch.cdist(imagined, vertices) + way[:, None]).amin(2)
    straight = torch.cdist(imagined, goal[:, None])[..., 0]
    return torch.where(straight <= config.reach, torch.minimum(by_vertex, config.off_graph * straight), by_vertex)


def spot_of(latents: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` vertices nearest to each of (B, Q) local latents among (V, Q): (B, count) int64, in any order."""
    gaps = torch.cdist(torch.as_tensor(keys), torch.as_tensor(latents))
    return gaps.topk(min(count, len(latents)), largest=False, sorted=False).indices.numpy()
