"""The paper's own "1-step" SPTM (Table 1): its stacked-pair local metric, taken for a distance to far goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from data_collection import Dataset

from ..base.agent import as_batch, register_agent
from ..base.state import learned
from ..base.waypoint_agent import Localisation, WaypointAgent, WaypointConfig, WaypointParts
from ..control.action_memory import ActionMemory
from ..metrics.pair import PairMetric, PairMetricConfig
from ..training.loop import Training
from ..training.splits import ValidationSplit
from ..training.workdir import Arrays


@dataclass(frozen=True)
class SPTMPairConfig(WaypointConfig):
    """The stacked-pair metric, and what acting by it takes."""

    pair_metric: PairMetricConfig = field(default_factory=PairMetricConfig)
    """the network that looks at two stacked images"""
    candidates: int = 8
    """neighbours compared at a decision: those that are about one step away, which are the farthest"""
    near: float = 1.5
    """steps; the goal itself is walked to where D says that it is within"""


class SPTMPairParts(WaypointParts):
    """The pair metric and the remembered frames, which it has to look at again for each goal."""

    part_of: ClassVar[dict[str, str]] = {**WaypointParts.part_of, "pair": "pair_metric"}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pair_metric: PairMetric | None = None
        self.frames: np.ndarray = np.zeros(0, np.uint8)

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        arrays = super().arrays(stage)
        return arrays | {"frames": self.frames} if stage == "pair" else arrays

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "pair":
            self.frames = arrays["frames"]
            weights = {name: array for name, array in arrays.items() if name != "frames"}
            config = self.config.pair_metric
            self.pair_metric = PairMetric.restore(config, self.observation_shape, self.device, weights)
        else:
            super().restore(stage, arrays)


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
    parts_class = SPTMPairParts
    stages = ("local", "graph", "pair", "inverse")
    _judged: tuple[Localisation | None, np.ndarray] = (None, np.zeros((0, 0), np.float32))
    """The goals of the last call, and D (B, V) from each vertex to them as far as it was asked for."""

    def _begin(self, *what: Any) -> None:
        self._judged = type(self)._judged
        super()._begin(*what)

    def _fit_pair(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        parts = learned(self._parts)
        learn, held_out = (dataset.take_episodes(episodes) for episodes in folds)
        parts.pair_metric, figures = PairMetric.fit(self.config.pair_metric, learn, held_out, training)
        parts.frames = np.array(dataset.observations[self.vertex_rows])
        return figures

    @property
    def pair_metric(self) -> PairMetric:
        """The stacked-pair metric D."""
        return learned(learned(self._parts).pair_metric)

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps; asymmetric."""
        metric = self.pair_metric
        batch, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        goals, _ = as_batch(goal, self.observation_shape, self.is_image, "goal")
        found = metric.distance(batch, goals)
        return found[0] if single else found

    def _see_goal(self, goal: np.ndarray) -> Localisation:
        seen = super()._see_goal(goal)
        before, known = self._judged
        if seen is not before:
            fresh = np.full((len(seen.keys), self.graph.num_vertices), np.nan, np.float32)
            if before is not None and before.frames.shape == seen.frames.shape:
                # Lanes end one by one; the goals of the others stay.
                stays = (before.frames == seen.frames).reshape(len(fresh), -1).all(1)
                fresh[stays] = known[stays]
            self._judged = seen, fresh
        return seen

    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        return self.pair_metric.distance(here.frames, goal.frames) <= self.config.near

    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        options = [self._candidates(int(vertex)) for vertex in here.vertices]
        lane = np.repeat(np.arange(len(options)), [len(each) for each in options])
        vertex = np.concatenate(options)
        known = self._judged[1]
        asked = np.flatnonzero(np.isnan(known[lane, vertex]))
        known[lane[asked], vertex[asked]] = self.pair_metric.distance(
            self._parts.frames[vertex[asked]], goal.frames[lane[asked]]
        )
        return np.array([each[known[row, each].argmin()] for row, each in enumerate(options)])

    def _candidates(self, vertex: int) -> np.ndarray:
        """Up to ``candidates`` neighbours of a vertex, the farthest; itself where it has none."""
        neighbours, weights = self.graph.neighbors(vertex)
        farthest = neighbours[np.argsort(-weights, kind="stable")[: self.config.candidates]]
        return farthest if len(farthest) else np.array([vertex])
