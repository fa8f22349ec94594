"""SPTM complete (Savinov, Dosovitskiy, Koltun 2018, arXiv 1803.00653): search on the memory graph at every decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.distance_agent import fit_local
from ..base.graph_agent import fit_graph
from ..base.registry import register_agent
from ..base.waypoint_agent import Localisation, WaypointAgent, fit_inverse
from ..control.action_memory import ActionMemory, MemoryConfig
from ..control.inverse_model import InverseModelConfig
from ..graphs.sptm import SPTMGraphConfig
from ..metrics.local import LocalMetricConfig

_MAX_HOPS = 32  # along a path, among which the waypoint is sought


@dataclass(frozen=True)
class SPTMConfig:
    """The method of 2018, with our local metric as its retrieval network."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    """the local metric d"""
    graph: SPTMGraphConfig = field(default_factory=SPTMGraphConfig)
    """which frames are remembered, and which of them are joined"""
    inverse_model: InverseModelConfig = field(default_factory=InverseModelConfig)
    """which action leads towards a waypoint"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""
    reach: float = 2.3
    """steps; the waypoint is the farthest vertex along the path that d says is within"""


@register_agent
class SPTMAgent(WaypointAgent):
    """Retrieval, localisation, a waypoint by Dijkstra, locomotion.

    D(x, g) = d(x, v) + shortest path from v to w + d(w, g), with v and w the nearest vertices; where d(x, g) is itself
    within the graph's threshold, D = d. Dijkstra runs once per goal: its cost is not amortised in a network, and the
    memory of frames grows with the world.
    """

    name = "sptm"
    config: SPTMConfig
    config_class = SPTMConfig

    def _fit(self, run: Any) -> None:
        c = self.config
        self.local_metric = fit_local(run, c.local_metric)
        self.frame_graph = fit_graph(run, c.graph, self.local_metric, c.local_metric.members)
        self.inverse = fit_inverse(run, c.inverse_model, self.frame_graph)

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        batch, single = self._batch(observation, "observation")
        here, there = self._localise(batch), self._localise_goal(goal)
        direct = np.linalg.norm(here.keys - there.keys, axis=1)
        rows = self.paths.rows(there.vertices)
        way = self.paths.distance[rows, here.vertices]
        distance = np.where(direct <= self.threshold, direct, here.offsets + way + there.offsets).astype(np.float32)
        return distance[0] if single else distance

    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        return np.linalg.norm(here.keys - goal.keys, axis=1) <= self.config.reach

    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        rows, following = self.paths.rows(goal.vertices), self.paths.following
        path = [following[rows, here.vertices]]
        while len(path) < _MAX_HOPS:
            path.append(following[rows, path[-1]])
        way = np.stack(path, 1)  # (B, hops)
        gaps = np.linalg.norm(self.local_latents[way] - here.keys[:, None], axis=2)
        within = gaps <= self.config.reach
        farthest = np.where(within.any(1), way.shape[1] - 1 - within[:, ::-1].argmax(1), 0)
        return way[np.arange(len(way)), farthest]
