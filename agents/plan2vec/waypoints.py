"""Plan2vec where one action is a small part of the way: by way of waypoints, or by looking one action ahead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from data_collection import Dataset
from data_collection.errors import check_name

from ..base.agent import as_batch, register_agent
from ..base.state import learned
from ..base.waypoint_agent import Localisation, WaypointAgent, WaypointConfig, WaypointParts
from ..control.action_memory import ActionMemory
from ..control.forward_model import ForwardModel, ForwardModelConfig
from ..control.lookahead import LookaheadConfig, RecordedMoves, consistency_bound, cost_to_go, nearest_vertices
from ..control.selection import ChoiceConfig, compare
from ..errors import ConfigError, NotFittedError
from ..graphs.path_cache import DistanceCache, PathCache
from ..graphs.search import SearchBudget, greedy_walk
from ..training.loop import Training
from ..training.splits import ValidationSplit
from ..training.workdir import Arrays
from .stages import DistilledConfig, DistilledMetric, DistilledParts

_CONTROLS = ("inverse", "forward")
_ENTRIES = 3  # vertices by which a place gets onto the graph; among more of them some are behind walls


@dataclass(frozen=True)
class Plan2VecWaypointsConfig(DistilledConfig, WaypointConfig):
    """All choices."""

    control: Literal["inverse", "forward", "auto"] = "inverse"
    """"inverse": the action that the inverse model takes towards a waypoint; "forward": the action after which the
    forward model of local latents sees the shortest way to the goal; "auto": whichever of them does better on held-out
    trajectories"""
    choice: ChoiceConfig = field(default_factory=ChoiceConfig)
    """of "auto": how they are compared"""
    waypoint: Literal["hops", "ring"] = "hops"
    """of "inverse": "hops": so many edges down D from the vertex of the present observation; "ring": of all vertices
    between half a ring and a ring away the nearest to the goal. Of all without exception "stay" would often win"""
    hops: int = 3
    """of "hops": edges"""
    ring: float = 10.0
    """of "ring": steps, and at least the threshold of the graph; a goal so near is a waypoint itself"""
    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    """of "forward": where the local latent goes for each action"""
    foresight: LookaheadConfig = field(default_factory=LookaheadConfig)
    """how far it is to the goal, of "forward" from where an action leads, of "ring" from a waypoint"""

    def __post_init__(self) -> None:
        check_name("control", self.control, ("inverse", "forward", "auto"))
        check_name("waypoint", self.waypoint, ("hops", "ring"))
        if self.hops < 1:
            raise ConfigError(f"hops is {self.hops}; the waypoint is at least 1 edge away")


class Plan2VecWaypointsParts(DistilledParts, WaypointParts):
    """Local metric, graph, global metric, and the model that the control needs."""

    part_of: ClassVar[dict[str, str]] = {
        **DistilledParts.part_of,
        "inverse": "inverse_model",
        "forward": "forward_model",
        "control": "chosen",
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.forward_model: ForwardModel | None = None
        self.recorded_moves: RecordedMoves | None = None
        self.chosen: str | None = None

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        if stage == "control":
            return {"chosen": np.array([_CONTROLS.index(learned(self.chosen))])}
        arrays = super().arrays(stage)
        known = stage == "forward" and self.recorded_moves is not None
        return arrays | learned(self.recorded_moves).arrays() if known else arrays

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "control":
            self.chosen = _CONTROLS[int(arrays["chosen"][0])]
        elif stage == "forward":
            self.recorded_moves, weights = RecordedMoves.split(arrays)
            self.forward_model = ForwardModel.restore(self.config.forward_model, self.device, weights)
        else:
            super().restore(stage, arrays)


@register_agent
class Plan2VecWaypoints(DistilledMetric, WaypointAgent):
    """Finds itself in the graph, and acts by what its surroundings know of the way to the goal.

    ::

        inverse: nearest vertex -> hops times: the neighbour with the least D to the goal -> waypoint -> action
        forward: every action -> imagined place -> nearest vertices -> their ways to the goal -> the least
        auto:    both are learned, and ``choosing`` compares them on held-out trajectories

    Every hop is one look at the neighbours of one vertex. Ways are searched once a goal and looked up from then on, or
    read off D without any search.
    """

    name = "plan2vec-waypoints"
    config: Plan2VecWaypointsConfig
    config_class = Plan2VecWaypointsConfig
    parts_class = Plan2VecWaypointsParts
    stages = ("local", "graph", "global", "inverse", "forward", "control")
    acting = frozenset({"inverse", "forward", "control"})
    shareable: ClassVar[dict[str, str]] = {"local": "local_metric", "graph": "graph"}
    _known_ways: PathCache | None = None
    _known_distances: DistanceCache | None = None

    def _wants(self, stage: str) -> bool:
        return stage not in self.acting or self.config.control in (stage, "auto")

    def _fit_forward(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        assert dataset.actions is not None
        parts, config = self._parts, self.config.foresight
        latents, transitions = self.local_metric.embed(dataset.observations), dataset.transitions
        unseen = folds.unseen(dataset.episode_ids[transitions[:, 0]])
        parts.forward_model, figures = ForwardModel.fit(
            self.config.forward_model, latents, transitions, dataset.actions, dataset.num_actions, unseen, training
        )
        if not config.support:
            return figures
        before, after = (latents[side] for side in transitions.T)
        imagined = before + parts.forward_model.displacements(before, dataset.actions, training.device)
        rng = training.rng("forward-moves", 0)
        parts.recorded_moves = RecordedMoves.gather(before, after, imagined, unseen, config.moves, rng)
        return {**figures, "usual_gap": parts.recorded_moves.usual}

    def _fit_control(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        held_out, rng = dataset.take_episodes(folds.held_out), training.rng("control", 0)
        self._parts.chosen, figures = compare(self.config.choice, self, _CONTROLS, held_out, rng)
        self._goal_latents = None
        return {**figures, "forward": float(self._parts.chosen == "forward")}

    # Measuring

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

    # Acting

    @property
    def control(self) -> str:
        """By which model it acts, "inverse" or "forward": as configured, or as chosen."""
        if self.config.control != "auto":
            return self.config.control
        chosen = learned(self._parts).chosen
        if chosen is None:
            raise NotFittedError(
                "this agent has chosen no control, so it measures and plans but does not act; "
                "fit it on a dataset with actions"
            )
        return str(chosen)

    def _possible_actions(self) -> torch.Tensor:
        return self._candidates(self.control)

    def _candidates(self, control: str) -> torch.Tensor:
        return (self.inverse_model if control == "inverse" else self.forward_model).candidates

    @property
    def forward_model(self) -> ForwardModel:
        """Where the local latent goes for each action."""
        model = learned(self._parts).forward_model
        if model is None:
            raise NotFittedError(
                "this agent has no forward model, so it measures and plans but does not act; "
                "fit it on a dataset with actions"
            )
        return model

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> tuple[np.ndarray, np.ndarray]:
        return self._costs_by(self.control, batch, goal, memory)

    def _costs_by(
        self, control: str, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if control == "inverse":
            return super()._costs(batch, goal, memory)
        here, there = self._see(batch, memory), self._see_goal(goal)
        config, latents = self.config.foresight, learned(self._parts).local_latents
        around = nearest_vertices(latents, here.keys, config.nearest)
        goal_vertices = np.broadcast_to(there.vertices, here.vertices.shape)
        way, beyond = self._ways(around, goal_vertices), None
        if config.support:
            present, at = self._ways(here.vertices[:, None], goal_vertices)[:, 0], latents[here.vertices]
            way = consistency_bound(way, present, np.linalg.norm(latents[around] - at[:, None], axis=2))
            lacking = consistency_bound(
                np.zeros((len(at), 1)), present, np.linalg.norm(there.keys - at, axis=1)[:, None]
            )
            beyond = torch.as_tensor(lacking[:, 0], dtype=torch.float32)
        way = way + config.off_graph * there.offsets[:, None]
        with torch.inference_mode():
            imagined = self.forward_model.imagine(torch.as_tensor(here.keys, device=self._parts.device)).cpu()
            goals = torch.as_tensor(there.keys).expand(len(here.keys), -1)
            near, ways = torch.as_tensor(latents[around]), torch.as_tensor(way)
            costs = cost_to_go(config, imagined, near, ways, goals, beyond).numpy()
            if config.support:
                moves = learned(self._parts.recorded_moves)
                costs = costs + moves.costs(config.support, torch.as_tensor(here.keys), imagined).numpy()
        return costs if memory is None else costs + memory.revisits(imagined.numpy()), here.keys

    def _ways(self, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """(B, M) float32, steps from (B, M) vertices to (B,) goal vertices, by whom the configuration asks."""
        if self.config.foresight.guide == "metric":
            table: Any = learned(self._parts).vertex_embeddings
            return self.between(table[vertices], table[goals][:, None])
        return self._graph_ways(vertices, goals)

    def _ways_of_many(self, vertices: np.ndarray, goal: int) -> np.ndarray:
        """The same from (M,) vertices to one goal, which is asked about for a whole episode: (M,)."""
        if self.config.foresight.guide != "metric":
            return self._graph_ways(vertices[None], np.array([goal]))[0]
        table: Any = learned(self._parts).vertex_embeddings
        if self._known_distances is None or self._known_distances.table is not table:
            self._known_distances = DistanceCache(table, self.between)
        return self._known_distances.to(goal, vertices)

    def _graph_ways(self, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        if self._known_ways is None or self._known_ways.graph is not self.graph:
            self._known_ways = PathCache(self.graph)
        rows = self._known_ways.rows(goals)
        return self._known_ways.distance[rows[:, None], vertices]

    # What a choice between controls is made by

    def propose(self, control: str, observations: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Actions that a control takes, without memory: (B, ...) and (B, ...) -> (B,) or (B, A)."""
        costs = self._costs_by(control, observations, goals, None)[0]
        return self._candidates(control).cpu().numpy()[costs.argmin(1)]

    def guess(self, control: str, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Actions that its model holds to lead from one observation to the next one: the same shapes."""
        with torch.inference_mode():
            if control == "inverse":
                embedded = (self.inverse_model.embed(each, self._parts.device) for each in (before, after))
                costs = self.inverse_model.costs(*(torch.as_tensor(z, device=self._parts.device) for z in embedded))
            else:
                keys = (self.local_metric.embed(each) for each in (before, after))
                here, there = (torch.as_tensor(each, device=self._parts.device) for each in keys)
                costs = (self.forward_model.imagine(here) - there[:, None]).norm(dim=2)
        return self._candidates(control).cpu().numpy()[costs.argmin(1).cpu().numpy()]

    def steps_left(self, latents: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Steps on the graph from (B, Q) local latents to (B, ...) goals, by way of the nearest vertices: (B,)."""
        vertices, there = learned(self._parts).local_latents, self._see_goal(goals)
        around = nearest_vertices(vertices, latents, _ENTRIES)
        gaps = np.linalg.norm(latents[:, None] - vertices[around], axis=2)
        return (gaps + self._graph_ways(around, there.vertices)).min(1) + there.offsets

    def _is_near(self, here: Localisation, goal: Localisation) -> np.ndarray:
        within = self.threshold if self.config.waypoint == "hops" else self._ring
        return np.linalg.norm(here.keys - goal.keys, axis=1) <= within

    @property
    def _ring(self) -> float:
        return max(self.config.ring, self.threshold)

    def _waypoints(self, here: Localisation, goal: Localisation, memory: ActionMemory | None) -> np.ndarray:
        goals = np.broadcast_to(goal.vertices, here.vertices.shape)
        return self._by_hops(here, goals) if self.config.waypoint == "hops" else self._by_ring(here, goals, memory)

    def _by_hops(self, here: Localisation, goals: np.ndarray) -> np.ndarray:
        table: Any = learned(self._parts).vertex_embeddings
        walks = greedy_walk(
            self.graph,
            here.vertices,
            goals,
            lambda vertices, ends: self.between(table[vertices], table[ends]),
            SearchBudget(max_expansions=self.config.hops),
            avoid_visited=True,
        )
        return np.array([path[min(self.config.hops, len(path) - 1)] for path in walks.vertices])

    def _by_ring(self, here: Localisation, goals: np.ndarray, memory: ActionMemory | None) -> np.ndarray:
        latents = learned(self._parts).local_latents
        gaps = self._gaps(here.keys) if here.gaps is None else here.gaps
        chosen = np.empty(len(gaps), np.int64)
        for lane, gap in enumerate(gaps):
            far = np.flatnonzero((gap >= self._ring / 2) & (gap <= self._ring))
            if not len(far):  # an outlier, or a world smaller than a ring
                chosen[lane] = goals[lane]
                continue
            costs = self._ways_of_many(far, int(goals[lane]))
            if memory is not None:
                costs = costs + memory.revisits_of(lane, latents[far])
            chosen[lane] = far[costs.argmin()]
        return chosen
