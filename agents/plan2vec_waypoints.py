"""Plan2vec where one action is a small part of the way: a few look-ups ahead on the graph, then the inverse model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .anchored_metric import AnchorConfig
from .core import as_batch, register_agent
from .errors import ConfigError
from .global_stage import Distilled, DistilledConfig, DistilledParts
from .graph_building import GraphConfig
from .inverse_model import InverseModelConfig
from .local_metric import LocalMetricConfig
from .parts import learned
from .search import SearchBudget, greedy_walk
from .table_embedding import TableConfig
from .waypoint_agent import Seen, WaypointAgent, WaypointConfig, WaypointParts
from .wormholes import WormholeConfig


@dataclass(frozen=True)
class Plan2VecWaypointsConfig(DistilledConfig, WaypointConfig):
    """All choices."""

    hops: int = 3
    """edges from the vertex of the present observation to the waypoint; the vertex itself would win otherwise"""

    def __post_init__(self) -> None:
        if self.hops < 1:
            raise ConfigError(f"hops is {self.hops}; the waypoint is at least 1 edge away")


class Plan2VecWaypointsParts(DistilledParts, WaypointParts):
    """Local metric, graph, global metric and inverse model."""

    part_of: ClassVar[dict[str, str]] = {**DistilledParts.part_of, "inverse": "inverse_model"}


@register_agent
class Plan2VecWaypoints(Distilled, WaypointAgent):
    """Finds itself in the graph, follows D down for a few edges, and takes the inverse model's action towards there.

    ::

        observation -> nearest vertex -> hops times: the neighbour with the least D to the goal -> waypoint -> action

    Every hop is one look at the neighbours of one vertex; nothing is searched.
    """

    name = "plan2vec-waypoints"
    config: Plan2VecWaypointsConfig
    config_class = Plan2VecWaypointsConfig
    parts_class = Plan2VecWaypointsParts
    stages = ("local", "graph", "global", "inverse")
    shareable: ClassVar[dict[str, str]] = {"local": "local_metric", "graph": "graph"}

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations: (B, D) float32; (D,) for a single one."""
        batch, single = as_batch(observations, self.observation_shape, self.is_image, "observation")
        latents = self.global_metric.embed(batch)
        return latents[0] if single else latents

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """D between matching latents of ``embed``, (..., D) and (..., D) -> (...) float32, in steps."""
        return self.global_metric.latent_distance(latents, goal_latents)

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        return self.between(self.embed(observation), self.embed(goal))

    def _is_near(self, here: Seen, goal: Seen) -> np.ndarray:
        return np.linalg.norm(here.keys - goal.keys, axis=1) <= self.threshold

    def _waypoints(self, here: Seen, goal: Seen) -> np.ndarray:
        table: Any = learned(self._parts).vertex_embeddings
        goals = np.broadcast_to(goal.vertices, here.vertices.shape)
        walks = greedy_walk(
            self.graph,
            here.vertices,
            goals,
            lambda vertices, ends: self.between(table[vertices], table[ends]),
            SearchBudget(max_expansions=self.config.hops),
            avoid_visited=True,
        )
        return np.array([path[min(self.config.hops, len(path) - 1)] for path in walks.vertices])


ROPE = Plan2VecWaypointsConfig(
    local_metric=LocalMetricConfig(members=8, reach=2, latent_dim=32, hidden=256, steps=800, max_threshold=0.8),
    graph=GraphConfig(
        max_vertices=20_000, recorded_weight="local", wormholes=WormholeConfig(agreement=1.1, penalty=2.0)
    ),
    embedding="anchored",
    table=TableConfig(latent_dim=96),  # 256 lengthen D by a quarter: this graph is far from negative type
    anchors=AnchorConfig(nearest=8, temperature=0.1),
    inverse_model=InverseModelConfig(trunk="cnn", latent_dim=64, hidden=256, max_gap=3, candidates=256),
)
"""For 18 long sequences of a rope: all frames are remembered, neighbours are up to two steps apart (App. B.2)."""
