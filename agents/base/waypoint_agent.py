"""What agents share that walk from waypoint to waypoint: they find themselves in a memory graph, choose, and move."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from scipy.spatial.distance import cdist

from data_collection import Dataset

from ..control.action_memory import ActionMemory, MemoryConfig
from ..control.inverse_model import InverseModel, InverseModelConfig
from ..errors import NotFittedError
from ..graphs.building import GraphConfig
from ..training.loop import Training, one_torch_thread
from ..training.splits import ValidationSplit
from ..training.workdir import Arrays
from .agent import as_batch
from .graph_agent import GraphMemory, GraphParts
from .staged import StagedConfig
from .state import learned


@dataclass(frozen=True)
class WaypointConfig(StagedConfig):
    """What all such agents choose."""

    graph: GraphConfig = field(default_factory=GraphConfig)
    """which frames are remembered, and which of them are joined"""
    inverse_model: InverseModelConfig = field(default_factory=InverseModelConfig)
    """which action leads towards a waypoint"""
    neighbourhood_first: bool = False
    """look for the present place among the graph neighbours of the last one, and in the whole memory only if none of
    them is within the threshold; it needs a memory of the last place, so it has no effect without ``memory``"""


class WaypointParts(GraphParts):
    """Local metric, graph and inverse model."""

    part_of: ClassVar[dict[str, str]] = {**GraphParts.part_of, "inverse": "inverse_model"}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.inverse_model: InverseModel | None = None
        self.inverse_latents = np.zeros((0, 0), np.float32)

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        arrays = super().arrays(stage)
        return arrays | {"inverse_latents": self.inverse_latents} if stage == "inverse" else arrays

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "inverse":
            self.inverse_latents = arrays["inverse_latents"]
            weights = {name: array for name, array in arrays.items() if name != "inverse_latents"}
            config = self.config.inverse_model
            self.inverse_model = InverseModel.restore(config, self.observation_shape, self.device, weights)
        else:
            super().restore(stage, arrays)


class Localisation(NamedTuple):
    """Observations and where they are in the memory graph."""

    frames: np.ndarray
    """(B, ...) observations"""
    keys: np.ndarray
    """(B, D) local latents"""
    vertices: np.ndarray
    """(B,) int64, the vertex that each is taken for"""
    offsets: np.ndarray
    """(B,) float32, d to that vertex in steps"""
    gaps: np.ndarray | None = None
    """(B, V) float64, d to every vertex; None where not all were looked at"""


class VertexMemory(ActionMemory):
    """Besides what was tried, the vertex where each lane was last; -1 where it has not been anywhere."""

    def __init__(self, config: MemoryConfig, num_episodes: int) -> None:
        super().__init__(config, num_episodes)
        self.vertices = np.full(num_episodes, -1)

    def forget(self, mask: np.ndarray | None = None) -> None:
        """Empty the lanes where ``mask`` (B,) is True; all of them by default."""
        super().forget(mask)
        self.vertices[slice(None) if mask is None else np.asarray(mask, bool)] = -1


class WaypointAgent(GraphMemory, ABC):
    """Finds itself in the memory graph, chooses a waypoint, and takes the inverse model's action towards it.

    A subclass says which vertex is the waypoint, and when the goal itself is near enough to be one.
    """

    config_class: ClassVar[type[WaypointConfig]] = WaypointConfig
    parts_class: ClassVar[type[WaypointParts]] = WaypointParts
    stages: ClassVar[tuple[str, ...]] = ("local", "graph", "inverse")
    _wide: tuple[np.ndarray, np.ndarray] | None = None  # the vertices' local latents, and the same in 64 bits

    @abstractmethod
    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        """(B,) bool, where the goal itself is the next waypoint."""

    @abstractmethod
    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        """(B,) vertices to walk towards; the memory, if any, knows where each lane has been."""

    def _fit_inverse(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        parts = learned(self._parts)
        learn, held_out = (dataset.take_episodes(episodes) for episodes in folds)
        parts.inverse_model, figures = InverseModel.fit(self.config.inverse_model, learn, held_out, training)
        parts.inverse_latents = parts.inverse_model.embed(dataset.observations[self.vertex_rows], training.device)
        return figures

    @property
    def inverse_model(self) -> InverseModel:
        """Which action leads from one observation to another."""
        model = learned(self._parts).inverse_model
        if model is None:
            raise NotFittedError(
                "this agent has no inverse model, so it measures and plans but does not act; "
                "fit it on a dataset with actions"
            )
        return model

    def new_memory(self, num_episodes: int = 1) -> VertexMemory:
        """An empty memory of tried actions and of the last place, for so many parallel episodes."""
        return VertexMemory(self.config.memory, num_episodes)

    @one_torch_thread()
    def next_waypoints(
        self, observation: np.ndarray, goal: np.ndarray, *, memory: ActionMemory | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where to walk next: what ``act`` walks towards, for whoever walks by other means. It needs no actions.

        Args:
            observation: (B, ...) observations.
            goal: (B, ...) goal observations.
            memory: From ``new_memory``, of B lanes; it notes where each lane is.

        Returns:
            (B,) int64 vertices, rows of ``vertex_rows``; and (B,) bool, where the goal itself is near enough to walk
            to and the vertex is of no use.

        Raises:
            ObservationError: for an observation or goal unlike those of the training dataset.
        """
        batch, _ = as_batch(observation, self.observation_shape, self.is_image, "observation")
        here, there = self._see(batch, memory), self._see_goal(goal)
        chosen, near = self._waypoints(here, there, memory), self._is_near(here, there)
        if memory is not None:
            memory.remember(here.keys, chosen)
        return chosen, near

    def _possible_actions(self) -> torch.Tensor:
        return self.inverse_model.candidates

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> tuple[np.ndarray, np.ndarray]:
        """How unlikely the inverse model holds each action on the way to the waypoint."""
        model, parts = self.inverse_model, learned(self._parts)
        here, there = self._see(batch, memory), self._see_goal(goal)
        near = self._is_near(here, there)
        targets = parts.inverse_latents[self._waypoints(here, there, memory)]
        targets[near] = model.embed(there.frames[near], parts.device) if near.any() else 0
        with torch.inference_mode():
            latents = (model.embed(batch, parts.device), targets)
            costs = model.costs(*(torch.as_tensor(each, device=parts.device) for each in latents)).cpu().numpy()
        return costs, here.keys

    # Localisation

    def _see(self, batch: np.ndarray, memory: ActionMemory | None = None) -> Localisation:
        """Each observation and the memory's frame that is nearest to it by the local metric."""
        latents = learned(self._parts).local_latents
        keys = self.local_metric.embed(batch)
        vertices = np.full(len(keys), -1)
        if self.config.neighbourhood_first and isinstance(memory, VertexMemory):
            for lane in np.flatnonzero(memory.vertices >= 0):
                last = int(memory.vertices[lane])
                around = np.append(self.graph.neighbors(last)[0], last)
                gaps = np.linalg.norm(latents[around] - keys[lane], axis=1)
                if gaps.min() <= self.threshold:
                    vertices[lane] = around[gaps.argmin()]
        lost = np.flatnonzero(vertices < 0)
        gaps = self._gaps(keys[lost])
        if lost.size:
            vertices[lost] = gaps.argmin(1)
        if isinstance(memory, VertexMemory):
            memory.vertices[:] = vertices
        offsets = np.linalg.norm(keys - latents[vertices], axis=1)
        return Localisation(batch, keys, vertices, offsets, gaps if len(lost) == len(keys) else None)

    def _gaps(self, keys: np.ndarray) -> np.ndarray:
        """(B, V) float64, d from (B, Q) local latents to every vertex."""
        latents = learned(self._parts).local_latents
        if self._wide is None or self._wide[0] is not latents:
            self._wide = latents, latents.astype(np.float64)  # as cdist does for itself at every call
        return cdist(keys, self._wide[1])

    def _see_goal(self, goal: np.ndarray) -> Localisation:
        """The same for goals; what was found in the last call is kept, since a goal stays for a whole episode."""
        if self._goal_latents is None or not np.array_equal(self._goal_latents[0], goal):
            batch, _ = as_batch(goal, self.observation_shape, self.is_image, "goal")
            self._goal_latents = np.array(goal), self._see(np.array(batch))._replace(gaps=None)
        return self._goal_latents[1]
