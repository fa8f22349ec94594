"""SPTM complete (Savinov, Dosovitskiy, Koltun 2018, arXiv 1803.00653): search on the memory graph at every decision."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from data_collection import Dataset

from ..base.agent import as_batch, register_agent
from ..base.waypoint_agent import Localisation, WaypointAgent, WaypointConfig
from ..control.action_memory import ActionMemory
from ..graphs.graph import Graph
from ..graphs.path_cache import PathCache
from ..graphs.sptm import SPTMGraphConfig, build_memory_graph, choose_memory

_MAX_HOPS = 32  # along a path, among which the waypoint is sought


@dataclass(frozen=True)
class SPTMConfig(WaypointConfig):
    """The method of 2018, with our local metric as its retrieval network."""

    graph: SPTMGraphConfig = field(default_factory=SPTMGraphConfig)
    """which frames are remembered, and which of them are joined"""
    reach: float = 2.3
    """steps; the waypoint is the farthest vertex along the path that d says is within"""


@register_agent
class SPTMAgent(WaypointAgent):
    """Retrieval, localisation, a waypoint by Dijkstra, locomotion.

    D(x, g) = d(x, v) + shortest path from v to w + d(w, g), with v and w the nearest vertices; where d(x, g) is itself
    within the graph's threshold, D = d. Dijkstra runs once a goal: its cost is not amortised in a network, and the
    memory of frames grows with the world.
    """

    name = "sptm"
    config: SPTMConfig
    config_class = SPTMConfig
    _ways: PathCache | None = None

    def _choose_vertices(self, dataset: Dataset, rng: np.random.Generator) -> np.ndarray:
        return choose_memory(self.config.graph, dataset, rng)

    def _build_graph(
        self, dataset: Dataset, rows: np.ndarray, latents: np.ndarray, jumped: np.ndarray | None = None
    ) -> Graph:
        members = self.config.local_metric.members
        return build_memory_graph(self.config.graph, dataset, rows, latents, self.threshold, members, jumped)

    @property
    def ways(self) -> PathCache:
        """Shortest ways to the goals that were asked about."""
        if self._ways is None or self._ways.graph is not self.graph:
            self._ways = PathCache(self.graph)
        return self._ways

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        batch, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        here, there = self._see(batch), self._see_goal(goal)
        direct = np.linalg.norm(here.keys - there.keys, axis=1)
        rows = self.ways.rows(there.vertices)
        way = self.ways.distance[rows, here.vertices]
        distance = np.where(direct <= self.threshold, direct, here.offsets + way + there.offsets).astype(np.float32)
        return distance[0] if single else distance

    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        return np.linalg.norm(here.keys - goal.keys, axis=1) <= self.config.reach

    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        rows, following = self.ways.rows(goal.vertices), self.ways.following
        path = [following[rows, here.vertices]]
        while len(path) < _MAX_HOPS:
            path.append(following[rows, path[-1]])
        way = np.stack(path, 1)  # (B, hops)
        gaps = np.linalg.norm(self._parts.local_latents[way] - here.keys[:, None], axis=2)
        within = gaps <= self.config.reach
        farthest = np.where(within.any(1), way.shape[1] - 1 - within[:, ::-1].argmax(1), 0)
        return way[np.arange(len(way)), farthest]
