"""Plan2vec where one action is a small part of the path: by way of waypoints, or by looking one action ahead."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from ..base.agent import Costs, needed
from ..base.distance_agent import LatentAgent, fit_local
from ..base.graph_agent import fit_graph
from ..base.registry import register_agent
from ..base.staged import LearningFit
from ..base.waypoint_agent import Localisation, WaypointAgent, fit_inverse
from ..control.action_memory import ActionMemory, MemoryConfig
from ..control.controls import (
    CONTROLS,
    AutoControl,
    ChosenControl,
    ForwardControl,
    ForwardPart,
    Hops,
    InverseControl,
    Ring,
)
from ..control.forward_model import ForwardModel
from ..control.lookahead import consistency_bound, cost_to_go, nearest_vertices
from ..control.selection import SelectionConfig, compare
from ..graphs.building import GraphConfig
from ..graphs.path_cache import DistanceCache
from ..graphs.search import SearchBudget, greedy_walk
from ..metrics.global_metric import GlobalMetricConfig
from ..metrics.latent_metric import LatentMetric
from ..metrics.local import LocalMetricConfig
from ..metrics.tables.anchored import AnchoredConfig, AnchoredMetric
from .stages import VertexMetric, fit_global

_ENTRIES = 3  # vertices by which a state gets onto the graph; among more of them some are behind walls


@dataclass(frozen=True)
class Plan2VecWaypointsConfig:
    """All choices."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    """the local metric d"""
    graph: GraphConfig = field(default_factory=GraphConfig)
    """which frames are vertices, and which of them are joined"""
    global_metric: GlobalMetricConfig | AnchoredConfig = field(default_factory=GlobalMetricConfig)
    """the embedding phi, as of ``Plan2VecConfig``"""
    control: InverseControl | ForwardControl | AutoControl = field(default_factory=InverseControl)
    """from a distance to an action"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""

    @property
    def inverse(self) -> InverseControl | None:
        """How the inverse model controls, if it is learned."""
        control = self.control
        return control if isinstance(control, InverseControl) else getattr(control, "inverse", None)

    @property
    def forward(self) -> ForwardControl | None:
        """How the forward model controls, if it is learned."""
        control = self.control
        return control if isinstance(control, ForwardControl) else getattr(control, "forward", None)


@register_agent
class Plan2VecWaypoints(WaypointAgent, LatentAgent):
    """Finds itself in the graph, and acts by what its surroundings know of the path to the goal.

    ::

        inverse: nearest vertex -> hops times: the neighbour with the least D to the goal -> waypoint -> action
        forward: every action -> imagined state -> nearest vertices -> their paths to the goal -> the least
        auto:    both are learned, and ``control.selection`` compares them on held-out trajectories

    Every hop is one look at the neighbours of one vertex. Paths are searched once per goal and looked up from then on,
    or read off D without any search.
    """

    name = "plan2vec-waypoints"
    config_class = Plan2VecWaypointsConfig
    config: Plan2VecWaypointsConfig
    metric: VertexMetric | AnchoredMetric
    ahead: ForwardPart | None
    chosen: ChosenControl | None
    _distances: DistanceCache | None = None

    def _fit(self, run: Any) -> None:
        c = self.config
        local = self.local_metric = fit_local(run, c.local_metric)
        self.frame_graph = fit_graph(run, c.graph, local, c.local_metric.members)
        self.metric = fit_global(run, c.global_metric, local, self.frame_graph)
        self.inverse = self.ahead = self.chosen = None
        if (inverse := c.inverse) is not None:
            self.inverse = fit_inverse(run, inverse.inverse_model, self.frame_graph)
        if (forward := c.forward) is not None:
            self.ahead = run.stage(
                "forward", forward,
                lambda: ForwardPart.fit(run, forward, local),
                partial(ForwardPart.restore, forward, run.device), from_actions=True,
            )  # fmt: skip
        if isinstance(c.control, AutoControl):
            selection = c.control.selection
            self.chosen = run.stage(
                "control", selection, lambda: self._choose(run, selection), ChosenControl.restore, from_actions=True
            )

    def _choose(self, run: LearningFit, config: SelectionConfig) -> tuple[ChosenControl, dict[str, float]]:
        held_out = run.dataset.take_episodes(run.split.held_out)
        name, figures = compare(config, self, CONTROLS, held_out, run.training.rng("control", 0))
        self._last_goal = None
        return ChosenControl(name), {**figures, "forward": float(name == "forward")}

    # Measuring

    @property
    def global_metric(self) -> LatentMetric:
        """The embedding phi, and D of its latents."""
        return self.metric

    @property
    def vertex_embeddings(self) -> np.ndarray:
        """(V, D) float32, phi of each vertex."""
        return self.metric.vertex_embeddings

    # Acting

    @property
    def control(self) -> str:
        """By which model it acts, "inverse" or "forward": as configured, or as chosen."""
        if not isinstance(self.config.control, AutoControl):
            return self.config.control.kind
        return needed(self.chosen, "chosen no control").name

    @property
    def forward_model(self) -> ForwardModel:
        """Where the local latent goes for each action."""
        return self._forward_part.model

    @property
    def _forward_part(self) -> ForwardPart:
        return needed(self.ahead, "no forward model")

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> Costs:
        return self._costs_by(self.control, batch, goal, memory)

    def _costs_by(self, control: str, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> Costs:
        if control == "inverse":
            return super()._costs(batch, goal, memory)
        part, forward = self._forward_part, self.config.forward
        assert forward is not None
        config, latents = forward.lookahead, self.local_latents
        here, there = self._localise(batch), self._localise_goal(goal)
        around = nearest_vertices(latents, here.keys, config.nearest)
        goals = np.broadcast_to(there.vertices, here.vertices.shape)
        paths, beyond = self._lengths(config.distance_source, around, goals), None
        if config.support:
            present = self._lengths(config.distance_source, here.vertices[:, None], goals)[:, 0]
            at = latents[here.vertices]
            paths = consistency_bound(paths, present, np.linalg.norm(latents[around] - at[:, None], axis=2))
            straight = np.linalg.norm(there.keys - at, axis=1)[:, None]
            lacking = consistency_bound(np.zeros((len(at), 1)), present, straight)
            beyond = torch.as_tensor(lacking[:, 0], dtype=torch.float32)
        paths = paths + config.off_graph_weight * there.offsets[:, None]
        with torch.inference_mode():
            imagined = part.model.imagine(torch.as_tensor(here.keys, device=self.local_metric.device)).cpu()
            ends = torch.as_tensor(there.keys).expand(len(here.keys), -1)
            near, to_go = torch.as_tensor(latents[around]), torch.as_tensor(paths)
            costs = cost_to_go(config, imagined, near, to_go, ends, beyond).numpy()
            if part.moves is not None:
                costs = costs + part.moves.costs(config.support, torch.as_tensor(here.keys), imagined).numpy()
        costs = costs if memory is None else costs + memory.visits(imagined.numpy())
        return Costs(part.model.candidates, costs, here.keys)

    def _lengths(self, source: str, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """(B, M) float32, steps from (B, M) vertices to (B,) goal vertices, by paths or by D."""
        if source == "metric":
            table = self.vertex_embeddings
            return self.between(table[vertices], table[goals][:, None])
        return self._path_lengths(vertices, goals)

    def _path_lengths(self, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        rows = self.paths.rows(goals)
        return self.paths.distance[rows[:, None], vertices]

    def _lengths_to(self, source: str, vertices: np.ndarray, goal: int) -> np.ndarray:
        """The same from (M,) vertices to one goal, which is asked about for a whole episode: (M,)."""
        if source != "metric":
            return self._path_lengths(vertices[None], np.array([goal]))[0]
        table = self.vertex_embeddings
        if self._distances is None or self._distances.table is not table:
            self._distances = DistanceCache(table, self.between)
        return self._distances.to(goal, vertices)

    # Waypoints

    @property
    def _waypoint(self) -> Hops | Ring:
        inverse = self.config.inverse
        return Hops() if inverse is None else inverse.waypoint

    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        rule = self._waypoint
        within = max(rule.ring, self.threshold) if isinstance(rule, Ring) else self.threshold
        return np.linalg.norm(here.keys - goal.keys, axis=1) <= within

    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        goals, rule = np.broadcast_to(goal.vertices, here.vertices.shape), self._waypoint
        return self._by_ring(rule, here, goals, memory) if isinstance(rule, Ring) else self._by_hops(rule, here, goals)

    def _by_hops(self, rule: Hops, here: Localisation, goals: np.ndarray) -> np.ndarray:
        table = self.vertex_embeddings
        walks = greedy_walk(
            self.graph,
            here.vertices,
            goals,
            lambda vertices, ends: self.between(table[vertices], table[ends]),
            SearchBudget(max_expansions=rule.hops),
            avoid_visited=True,
        )
        return np.array([path[min(rule.hops, len(path) - 1)] for path in walks.vertices])

    def _by_ring(self, rule: Ring, here: Localisation, goals: np.ndarray, memory: ActionMemory | None) -> np.ndarray:
        latents, ring = self.local_latents, max(rule.ring, self.threshold)
        gaps = self._gaps(here.keys) if here.gaps is None else here.gaps
        chosen = np.empty(len(gaps), np.int64)
        for episode, gap in enumerate(gaps):
            far = np.flatnonzero((gap >= ring / 2) & (gap <= ring))
            if not len(far):  # an outlier, or a world smaller than a ring
                chosen[episode] = goals[episode]
                continue
            costs = self._lengths_to(rule.distance_source, far, int(goals[episode]))
            if memory is not None:
                costs = costs + memory.visits_of(episode, latents[far])
            chosen[episode] = far[costs.argmin()]
        return chosen

    # What a choice between controls is made by

    def propose(self, control: str, observations: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Actions that a control takes, without memory: (B, ...) and (B, ...) -> (B,) or (B, A)."""
        found = self._costs_by(control, observations, goals, None)
        return found.candidates.cpu().numpy()[found.costs.argmin(1)]

    def guess(self, control: str, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Actions that its model holds to lead from one observation to the next one: the same shapes."""
        device = self.local_metric.device
        model: Any = self.inverse_model if control == "inverse" else self.forward_model
        with torch.inference_mode():
            if control == "inverse":
                costs = model.costs(*(torch.as_tensor(model.embed(x, device), device=device) for x in (before, after)))
            else:
                here, there = (torch.as_tensor(self.local_metric.embed(x), device=device) for x in (before, after))
                costs = (model.imagine(here) - there[:, None]).norm(dim=2)
        return model.candidates.cpu().numpy()[costs.argmin(1).cpu().numpy()]

    def steps_left(self, latents: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Steps on the graph from (B, Q) local latents to (B, ...) goals, by way of the nearest vertices: (B,)."""
        vertices, there = self.local_latents, self._localise_goal(goals)
        around = nearest_vertices(vertices, latents, _ENTRIES)
        gaps = np.linalg.norm(latents[:, None] - vertices[around], axis=2)
        return (gaps + self._path_lengths(around, there.vertices)).min(1) + there.offsets
