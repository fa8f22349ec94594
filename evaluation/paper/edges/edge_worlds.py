"""Three domains with one local metric each, and the truth about their frames: where edges can be found and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import cKDTree

from agents import Plan2VecPlacesConfig
from agents.graphs.building import GraphConfig, join_graph
from agents.graphs.graph import Graph
from agents.graphs.lengths import lengths_of
from agents.graphs.pruning import PruningConfig, trusted_edges
from agents.metrics.local import LocalMetric, LocalMetricConfig
from agents.metrics.places import Neighbours, PlaceMetric, group_frames
from agents.metrics.places.matching import pairs_within
from agents.metrics.places.place_metric import unique_frames
from agents.plan2vec.presets import ROPE
from agents.training.execution import DEFAULT_EXECUTION, Execution
from agents.training.loop import Training, resolve_device
from agents.training.workdir import Workdir
from data_collection import Dataset, make_dataset
from data_collection.collection.drives import collect_drives
from data_collection.collection.rope import collect_rope
from data_collection.splits import ValidationSplit, fold_episodes
from plan2vec_envs.geometry import STEP
from plan2vec_envs.image_graph import get_views
from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT

from ...protocols.worlds import room_of
from ..lab.plan import configured
from ..rope.rope_plans import pairs_across
from ..streets import streets
from .edge_truth import IsFalse

ROOM = "Plan2vec/CMaze-v0"
FAR_IN_ROOM = 3.0
"""Steps. The looser graphs join what is 2.2 steps apart and are right to, so 2 steps would be no wormhole yet."""
PASSES = 5
BAGS = 3
"""Metrics of the streets that have to agree, each learned without another third of the drives."""
_AT_ONCE = 20_000  # pairs


@dataclass(frozen=True, eq=False)
class EdgeWorld:
    """V frames under one local metric, and the truth about them.

    Attributes:
        latents: (V, D); their Euclidean distance is d, in steps.
        member_latents: (V, M * D') of the M networks that may disagree, side by side.
        members: M.
        recorded: (R, 2) frames recorded one after the other.
        groups: (V,) trajectory of each frame.
        threshold: calibrated, in steps.
        graph: weight of recorded edges, whether they lead both ways, and the controls of the default graph.
        merged: (P, 2) pairs that the domain's default puts together in its own way; None where that is the threshold
            and the controls of ``graph``.
        oracle_closures: (C, 2) frames of different trajectories that are truly near.
        oracle_is_false: whether pairs are truly too far apart for an edge.
    """

    latents: np.ndarray
    member_latents: np.ndarray
    members: int
    recorded: np.ndarray
    groups: np.ndarray
    threshold: float
    oracle_closures: np.ndarray
    oracle_is_false: IsFalse
    graph: GraphConfig
    merged: np.ndarray | None = None

    def build(self, threshold: float, controls: PruningConfig) -> Graph:
        """The graph at a threshold in steps, without bridges, of edges that pass the controls."""
        near = cKDTree(self.latents).query_pairs(threshold, output_type="ndarray")
        # Members may be metrics of their own, beside the one that d comes from.
        agree, others = PruningConfig(agreement=controls.agreement), replace(controls, agreement=0.0)
        near = near[trusted_edges(agree, near, self.member_latents, self.recorded, threshold, self.members)]
        near = near[trusted_edges(others, near, self.latents, self.recorded, threshold, 1)]
        return self.join(near, threshold, controls)

    def default(self) -> Graph:
        """The graph as the domain has it by default, without bridges."""
        if self.merged is None:
            return self.build(self.threshold, self.graph.pruning)
        return self.join(self.merged, self.threshold, self.graph.pruning)

    def threshold_of_recall(self, recall: float) -> float:
        """The threshold that this share of the closures is within, above 0: what a control has to be better than."""
        lengths = np.sort(lengths_of(self.latents, self.oracle_closures))
        # The search for pairs rounds otherwise than the lengths do.
        return float(lengths[max(round(recall * len(lengths)), 1) - 1]) * (1 + 1e-6)

    def join(self, near: np.ndarray, threshold: float, controls: PruningConfig) -> Graph:
        """The graph with these (P, 2) pairs as found edges."""
        config = replace(self.graph, pruning=controls, bridge=False)
        return join_graph(config, self.latents, self.recorded, np.ones(len(self.recorded)), near, threshold)


@lru_cache(maxsize=1)
def edge_world(
    domain: str, seed: int, size: str, steps: float = 1.0, device: str = "cpu", execution: Execution = DEFAULT_EXECUTION
) -> EdgeWorld:
    """A domain, its local metric learned.

    Args:
        domain: "rooms", "streets" or "rope".
        seed: of data and training.
        size: rollouts x horizon, the name of a world, or sequences x steps.
        steps: factor on the gradient steps.
        device: where networks are trained.
        execution: how.
    """
    training = Training(seed, Workdir(None), resolve_device(device), progress=False, execution=execution)
    return {"rooms": _rooms, "streets": _streets, "rope": _rope}[domain](size, steps, training)


def metric_config(domain: str) -> LocalMetricConfig:
    """Of the local metric of rooms or rope: on the rope with 4 networks and 400 steps, since frames are few."""
    return LocalMetricConfig() if domain == "rooms" else replace(ROPE.local_metric, members=4, steps=400)


def _rooms(size: str, steps: float, training: Training) -> EdgeWorld:
    dataset = make_dataset(ROOM, size=size, seed=training.seed, progress=False)
    metric = _fitted(metric_config("rooms"), dataset, steps, training)
    position = np.asarray(dataset.oracle_position, np.float64)
    oracle = GeodesicOracle(room_of(ROOM))

    def apart(pairs: np.ndarray) -> np.ndarray:
        parts = np.array_split(pairs, max(1, len(pairs) // _AT_ONCE))
        return np.concatenate([oracle.distance(position[part[:, 0]], position[part[:, 1]]) for part in parts])

    near = pairs_across(position, dataset.episode_ids, STEP, np.inf)
    return _of_metric(
        metric, dataset, near[apart(near) <= 1.0], lambda pairs: apart(pairs) > FAR_IN_ROOM, GraphConfig()
    )


def _rope(size: str, steps: float, training: Training) -> EdgeWorld:
    sequences, length = (int(number) for number in size.split("x"))
    dataset = collect_rope(sequences, length, seed=training.seed, progress=False)
    metric = _fitted(metric_config("rope"), dataset, steps, training)
    nodes = np.asarray(dataset.oracle_position, np.float64)

    def apart(pairs: np.ndarray) -> np.ndarray:
        return node_displacement(nodes[pairs[:, 0]], nodes[pairs[:, 1]]) >= SUCCESS_DISPLACEMENT

    # No coordinate of a node moves farther than the node.
    near = pairs_across(nodes.reshape(len(nodes), -1), dataset.episode_ids, SUCCESS_DISPLACEMENT, np.inf)
    return _of_metric(metric, dataset, near[~apart(near)], apart, replace(ROPE.graph, both_ways=True))


def _of_metric(
    metric: LocalMetric, dataset: Dataset, closures: np.ndarray, is_false: IsFalse, graph: GraphConfig
) -> EdgeWorld:
    """Every frame a vertex, and the networks of the metric the members."""
    latents = metric.embed(dataset.observations)
    return EdgeWorld(
        latents,
        latents,
        metric.config.members,
        dataset.transitions,
        dataset.episode_ids,
        metric.threshold,
        closures,
        is_false,
        graph,
    )


def _streets(size: str, steps: float, training: Training) -> EdgeWorld:
    world, seed = streets.street_world(size), training.seed
    drives = collect_drives(world, get_views(world, "recorded", PASSES), coverage=PASSES, passes=PASSES, seed=seed)
    config = Plan2VecPlacesConfig()
    # What two drives of one pass saw at a place are the same bytes: one vertex, no closure to find.
    rows, row_frames = unique_frames(drives.observations)
    frames, recorded = drives.observations[rows], row_frames[drives.transitions]

    def learned(part: Dataset) -> tuple[np.ndarray, float]:
        metric, figures = PlaceMetric.fit(config.local_metric, part.without_oracle())
        unit = figures["neighbour_median"]  # a recorded step is one long
        return metric.embed(frames) / np.float32(unit), metric.threshold / unit

    latents, threshold = learned(drives)
    bags = [
        learned(drives.take_episodes(fold_episodes(drives.num_episodes, bag, BAGS, seed)[0]))[0] for bag in range(BAGS)
    ]
    width = max(bag.shape[1] for bag in bags)  # few drives give few dimensions
    bags = [np.pad(bag, ((0, 0), (0, width - bag.shape[1]))) for bag in bags]
    places, _ = group_frames(
        latents,
        Neighbours.of(len(rows), recorded),
        threshold,
        config.local_metric.candidates,
        supported_only=config.graph.supported_only,
    )
    true = streets.places_of(world, np.asarray(drives.oracle_position, np.float64)[rows])
    hops = shortest_path(world.matrix(), directed=False, unweighted=True)
    return EdgeWorld(
        latents,
        np.concatenate(bags, axis=1) / np.float32(BAGS**0.5),  # d is the root mean square over members
        BAGS,
        recorded,
        drives.episode_ids[rows],
        threshold,
        pairs_within(true),
        lambda pairs: hops[true[pairs[:, 0]], true[pairs[:, 1]]] > 1,
        GraphConfig(both_ways=config.graph.both_ways),
        merged=pairs_within(places),
    )


def _fitted(config: LocalMetricConfig, dataset: Dataset, steps: float, training: Training) -> LocalMetric:
    folds = ValidationSplit.of(dataset, training.seed)
    learn, held_out = (dataset.take_episodes(episodes).without_oracle() for episodes in folds)
    return LocalMetric.fit(configured(config, {}, steps), learn, held_out, training)[0]
