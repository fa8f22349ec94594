"""What agents share that walk from waypoint to waypoint: they find themselves in the graph, choose, and move."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy
import torch

from ..control.action_memory import ActionMemory
from ..control.inverse_model import InverseModel, InverseModelConfig
from ..graphs.frame_graph import FrameGraph
from ..graphs.path_cache import PathCache
from ..training.loop import one_torch_thread
from .agent import Costs, needed
from .graph_agent import GraphAgent


class Localisation(NamedTuple):
    """Observations and where they are in the graph."""

    frames: np.ndarray
    """(B, ...) observations"""
    keys: np.ndarray
    """(B, D) local latents"""
    vertices: np.ndarray
    """(B,) int64, the vertex nearest to each"""
    offsets: np.ndarray
    """(B,) float32, d to that vertex in steps"""
    gaps: np.ndarray | None = None
    """(B, V) float64, d to every vertex; None where it was not kept"""


class WaypointModel(InverseModel):
    """The inverse model, and what it makes of the graph's vertices.

    Attributes:
        inverse_latents: (V, D) float32.
    """

    tables = ("inverse_latents",)
    inverse_latents: np.ndarray


class WaypointAgent(GraphAgent):
    """Finds itself in the graph, chooses a waypoint, and takes the inverse model's action towards it.

    A subclass says which vertex is the waypoint, and when the goal itself is near enough to be one.

    Attributes:
        inverse: which action leads towards a waypoint; None if no actions were recorded.
    """

    inverse: WaypointModel | None
    _paths: PathCache | None = None
    _wide: tuple[np.ndarray, np.ndarray] | None = None  # the vertices' local latents, and the same in 64 bits

    @abstractmethod
    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        """(B,) bool, where the goal itself is the next waypoint."""

    @abstractmethod
    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        """(B,) vertices to walk towards; the memory, if any, knows where each episode has been."""

    @property
    def inverse_model(self) -> WaypointModel:
        """Which action leads from one observation to another."""
        return needed(self.inverse, "no inverse model")

    @one_torch_thread()
    def next_waypoints(
        self, observation: np.ndarray, goal: np.ndarray, *, memory: ActionMemory | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where to walk next: what ``act`` walks towards, for walkers of any kind. It needs no actions.

        Args:
            observation: (B, ...) observations.
            goal: (B, ...) goal observations.
            memory: From ``new_memory``, of B episodes; it notes where each is.

        Returns:
            (B,) int64 vertices, rows of ``vertex_rows``; and (B,) bool, where the goal itself is near enough to walk
            to and the vertex is of no use.

        Raises:
            ObservationError: for an observation or goal unlike those of the training dataset.
        """
        batch, _ = self._batch(observation, "observation")
        here, there = self._localise(batch), self._localise_goal(goal)
        chosen, near = self._waypoints(here, there, memory), self._is_near(here, there)
        if memory is not None:
            memory.remember(here.keys, chosen)
        return chosen, near

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> Costs:
        """How unlikely the inverse model holds each action towards the waypoint."""
        model, device = self.inverse_model, self.local_metric.device
        here, there = self._localise(batch), self._localise_goal(goal)
        near = self._is_near(here, there)
        targets = model.inverse_latents[self._waypoints(here, there, memory)]
        targets[near] = model.embed(there.frames[near], device) if near.any() else 0
        with torch.inference_mode():
            latents = (model.embed(batch, device), targets)
            costs = model.costs(*(torch.as_tensor(each, device=device) for each in latents)).cpu().numpy()
        return Costs(model.candidates, costs, here.keys)

    # Localisation

    @property
    def paths(self) -> PathCache:
        """Shortest paths to the goals that were asked about."""
        if self._paths is None or self._paths.graph is not self.graph:
            self._paths = PathCache(self.graph)
        return self._paths

    def _localise(self, batch: np.ndarray) -> Localisation:
        """Each observation and the vertex that is nearest to it by the local metric."""
        keys = self.local_metric.embed(batch)
        gaps = self._gaps(keys)
        vertices = gaps.argmin(1)
        offsets = np.linalg.norm(keys - self.local_latents[vertices], axis=1)
        return Localisation(batch, keys, vertices, offsets, gaps)

    def _gaps(self, keys: np.ndarray) -> np.ndarray:
        """(B, V) float64, d from (B, Q) local latents to every vertex."""
        latents = self.local_latents
        if self._wide is None or self._wide[0] is not latents:
            self._wide = latents, latents.astype(np.float64)  # what cdist does for itself at every call
        return scipy.spatial.distance.cdist(keys, self._wide[1])

    def _localise_goal(self, goal: np.ndarray) -> Localisation:
        """The same for goals; what was found in the last call is kept, since a goal stays for a whole episode."""
        return self._of_goal(goal, lambda batch, _: self._localise(np.array(batch))._replace(gaps=None))


def fit_inverse(run: Any, config: InverseModelConfig, graph: FrameGraph) -> WaypointModel | None:
    """The stage that learns which action leads towards a waypoint."""

    def learn() -> tuple[WaypointModel, dict[str, float]]:
        some, held_out = run.halves()
        model, figures = WaypointModel.fit(config, some, held_out, run.training)
        model.inverse_latents = model.embed(run.dataset.observations[graph.rows], run.device)
        return model, figures

    restore = partial(WaypointModel.restore, config, run.observation_shape, run.device)
    return run.stage("inverse", config, learn, restore, from_actions=True)
