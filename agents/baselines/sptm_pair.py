"""The paper's own "1-step" SPTM (Table 1): its stacked-pair local metric, taken for a distance to far goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..base.distance_agent import fit_local
from ..base.graph_agent import fit_graph
from ..base.registry import register_agent
from ..base.waypoint_agent import Localisation, WaypointAgent, fit_inverse
from ..control.action_memory import ActionMemory, MemoryConfig
from ..control.inverse_model import InverseModelConfig
from ..graphs.building import GraphConfig
from ..metrics.local import LocalMetricConfig
from ..metrics.pair import PairMetric, PairMetricConfig


@dataclass(frozen=True)
class SPTMPairConfig:
    """The stacked-pair metric, and what acting by it takes."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    """the local metric d"""
    graph: GraphConfig = field(default_factory=GraphConfig)
    """which frames are remembered, and which of them are joined"""
    pair_metric: PairMetricConfig = field(default_factory=PairMetricConfig)
    """the network that looks at two stacked images"""
    inverse_model: InverseModelConfig = field(default_factory=InverseModelConfig)
    """which action leads towards a waypoint"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""
    candidates: int = 8
    """neighbours compared at a decision: those that are about one step away, which are the farthest"""
    near: float = 1.5
    """steps; the goal itself is walked to where D says that it is within"""


class PairPart(PairMetric):
    """The pair metric and the remembered frames, which it has to look at again for each goal.

    Attributes:
        frames: (V, ...) of the graph's vertices.
    """

    tables = ("frames",)
    frames: np.ndarray


@register_agent
class SPTMPairAgent(WaypointAgent):
    """D = the stacked-pair network's d. It has no latents, so no forward model could imagine where an action leads.

    It acts through the memory graph, as the released code suggests that the paper's walker did: of the neighbours of
    the vertex it is at, it picks the one of least D to the goal. Where the paper's walker is then put there, this one
    takes the inverse model's action towards it.
    """

    name = "sptm-1-step-pair"
    config: SPTMPairConfig
    config_class = SPTMPairConfig
    pair_metric: PairPart
    _judged: tuple[Localisation | None, np.ndarray] = (None, np.zeros((0, 0), np.float32))
    """The goals of the last call, and D (B, V) from each vertex to them as far as it was asked for."""

    def _fit(self, run: Any) -> None:
        c = self.config
        self.local_metric = fit_local(run, c.local_metric)
        self.frame_graph = graph = fit_graph(run, c.graph, self.local_metric, c.local_metric.members)

        def learn() -> tuple[PairPart, dict[str, float]]:
            some, held_out = run.halves()
            pair, figures = PairPart.fit(c.pair_metric, some, held_out, run.training)
            pair.frames = np.array(run.dataset.observations[graph.rows])
            return pair, figures

        restore = partial(PairPart.restore, c.pair_metric, run.observation_shape, run.device)
        self.pair_metric = run.stage("pair", c.pair_metric, learn, restore)
        self.inverse = fit_inverse(run, c.inverse_model, graph)
        self._judged = type(self)._judged

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps; asymmetric."""
        metric = self.pair_metric
        batch, single = self._batch(observation, "observation")
        goals, _ = self._batch(goal, "goal")
        found = metric.distance(batch, goals)
        return found[0] if single else found

    def _localise_goal(self, goal: np.ndarray) -> Localisation:
        seen = super()._localise_goal(goal)
        before, known = self._judged
        if seen is not before:
            fresh = np.full((len(seen.keys), self.graph.num_vertices), np.nan, np.float32)
            if before is not None and before.frames.shape == seen.frames.shape:
                # Episodes end one by one; the goals of the others stay.
                stays = (before.frames == seen.frames).reshape(len(fresh), -1).all(1)
                fresh[stays] = known[stays]
            self._judged = seen, fresh
        return seen

    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        return self.pair_metric.distance(here.frames, goal.frames) <= self.config.near

    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        options = [self._neighbours(int(vertex)) for vertex in here.vertices]
        episode = np.repeat(np.arange(len(options)), [len(each) for each in options])
        vertex = np.concatenate(options)
        known = self._judged[1]
        asked = np.flatnonzero(np.isnan(known[episode, vertex]))
        known[episode[asked], vertex[asked]] = self.pair_metric.distance(
            self.pair_metric.frames[vertex[asked]], goal.frames[episode[asked]]
        )
        return np.array([each[known[row, each].argmin()] for row, each in enumerate(options)])

    def _neighbours(self, vertex: int) -> np.ndarray:
        """Up to ``candidates`` neighbours of a vertex, the farthest; itself where it has none."""
        neighbours, weights = self.graph.neighbors(vertex)
        farthest = neighbours[np.argsort(-weights, kind="stable")[: self.config.candidates]]
        return farthest if len(farthest) else np.array([vertex])
