"""Plan2vec for worlds of places, seen a few times each: streets, and anything photographed step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np

from data_collection import Dataset

from ..base.distance_agent import DistanceAgent, fit_forward
from ..base.graph_agent import GraphAgent
from ..base.registry import register_agent
from ..control.action_memory import MemoryConfig
from ..control.forward_model import ForwardModelConfig
from ..graphs.bridges import find_bridges
from ..graphs.frame_graph import FrameGraph
from ..graphs.graph import Graph
from ..graphs.lengths import lengths_of
from ..metrics.distillation import LandmarkRegressionConfig
from ..metrics.global_metric import GlobalMetric, GlobalMetricConfig
from ..metrics.latent_metric import LatentMetric
from ..metrics.places import Neighbours, PlaceMetric, PlaceMetricConfig, group_frames
from ..metrics.places.place_metric import unique_frames
from ..metrics.tables.anchored import AnchorConfig, AnchoredConfig, AnchoredMetric
from ..metrics.tables.classified import ClassifiedConfig, ClassifiedMetric
from ..metrics.tables.table_embedding import embed_table
from ..training.saving import Arrays

_HERE = 1e-3  # steps between two frames of one place
_LEAST_STEP = 0.5  # median steps that a recorded step counts at least: places close together must stay apart in D


@dataclass(frozen=True)
class PlaceGraphConfig:
    """The graph of places."""

    threshold: float | None = None
    """largest distance of two frames of one place; None for the calibrated one"""
    both_ways: bool = True
    """whether a step that was recorded one way can be gone the other way; not where streets are one-way"""
    supported_only: bool = True
    """whether frames are merged only where the sequences around them match too"""
    bridge: bool = True
    """join components by the shortest gaps of the local metric, one edge each, at the length of that gap"""

    def memory_need(self, size: Any) -> int:
        """Bytes: latents of all frames, candidates of matches, and the edges."""
        size.vertices = size.rows
        return size.rows * (2 * size.latents * 4 + 24 * 60)


@dataclass(frozen=True)
class PlaceAnchorsConfig(AnchoredConfig):
    """The local metric knows the place again, and a table holds its latents."""

    anchors: AnchorConfig = field(default_factory=AnchorConfig)
    """from an image to latents"""


@dataclass(frozen=True)
class PlaceNetworkConfig(GlobalMetricConfig):
    """A network of constant size."""

    trunk: str = "cnn"
    latent_dim: int = 32
    hidden: int = 256
    algorithm: LandmarkRegressionConfig = field(
        default_factory=lambda: LandmarkRegressionConfig(sources=1024, steps=1500)
    )


@dataclass(frozen=True)
class Plan2VecPlacesConfig:
    """All choices."""

    local_metric: PlaceMetricConfig = field(default_factory=PlaceMetricConfig)
    """knowing a place again"""
    graph: PlaceGraphConfig = field(default_factory=PlaceGraphConfig)
    """which frames show one place, and how far it is to the next"""
    global_metric: PlaceAnchorsConfig | ClassifiedConfig | PlaceNetworkConfig = field(
        default_factory=PlaceAnchorsConfig
    )
    """"anchored": the local metric knows the place again, a table holds its latents: exact, and as large as the data;
    "classified": a network says which place it is: as large as the table, however many pictures there were;
    "network": a network regresses latents from images: of constant size, and blurred between places"""
    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    """where the latent goes for each action"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""


@dataclass(frozen=True, eq=False)
class PlaceGraph(FrameGraph):
    """A graph whose vertices are places, and the frames of each.

    Attributes:
        anchor_rows: (U,) int64 rows of the dataset, one for each distinct frame.
        anchor_places: (U,) int64, the vertex that each of them shows.
        anchor_latents: (U, Q) float32, their local latents.
    """

    anchor_rows: np.ndarray
    anchor_places: np.ndarray
    anchor_latents: np.ndarray

    @classmethod
    def merge(cls, config: PlaceGraphConfig, dataset: Dataset, local: PlaceMetric) -> tuple[Self, dict[str, float]]:
        """Merge frames that show one place, and join places by recorded steps."""
        threshold = local.threshold if config.threshold is None else config.threshold
        rows, row_frames = unique_frames(dataset.observations)
        latents = local.embed(dataset.observations[rows])
        neighbours = Neighbours.of(len(rows), row_frames[dataset.transitions])
        places, figures = group_frames(
            latents, neighbours, threshold, local.config.candidates, supported_only=config.supported_only
        )
        first = np.unique(places, return_index=True)[1]
        graph = join_places(config, dataset, places[row_frames], latents[first])
        return cls(graph, rows[first], latents[first], float("nan"), threshold, rows, places, latents), {
            "frames": float(len(rows)),
            "vertices": float(graph.num_vertices),
            "edges": float(graph.num_edges),
            **figures,
            "bridges": float(graph.bridge.sum()) / 2,
            "threshold": threshold,
        }

    def arrays(self) -> Arrays:
        """Everything, as arrays."""
        names = ("anchor_rows", "anchor_places", "anchor_latents")
        return {**super().arrays(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def restore(cls, config: Any, local: Any, arrays: Arrays) -> Self:
        """The graph that ``arrays`` came from."""
        threshold = local.threshold if config.threshold is None else config.threshold
        rows, latents, radius = arrays["vertex_rows"], arrays["local_latents"], float(arrays["covering_radius"][0])
        anchors = (arrays[name] for name in ("anchor_rows", "anchor_places", "anchor_latents"))
        return cls(Graph.from_arrays(arrays), rows, latents, radius, threshold, *anchors)


@register_agent
class Plan2VecPlaces(DistanceAgent, GraphAgent):
    """Knows places again, puts the sequences together at them, and keeps the graph's distances as a table of latents.

    ::

        sequences -> local metric d: same place? -> graph of places -> shortest paths -> table -> phi(x) by anchors

    The step lengths of the dataset, if it has them, are the lengths of edges, in units of the median step.
    """

    name = "plan2vec-places"
    config_class = Plan2VecPlacesConfig
    closed_form = True
    config: Plan2VecPlacesConfig
    frame_graph: PlaceGraph

    def _fit(self, run: Any) -> None:
        c = self.config
        local: Any = run.stage(
            "local", c.local_metric,
            lambda: PlaceMetric.fit(c.local_metric, run.dataset),
            partial(PlaceMetric.restore, c.local_metric),
        )  # fmt: skip
        graph = run.stage(
            "graph", c.graph,
            lambda: PlaceGraph.merge(c.graph, run.dataset, local),
            partial(PlaceGraph.restore, c.graph, local),
        )  # fmt: skip
        self.metric = fit_places(run, c.global_metric, local, graph)
        self.forward_model = fit_forward(run, c.forward_model, lambda: self.metric)
        self.local_metric, self.frame_graph = local, graph


def fit_places(
    run: Any, config: PlaceAnchorsConfig | ClassifiedConfig | PlaceNetworkConfig, local: PlaceMetric, graph: PlaceGraph
) -> LatentMetric:
    """The stage that distils the graph of places: by a network, or by a table and what finds a place in it."""

    def learn() -> tuple[LatentMetric, dict[str, float]]:
        places = graph.anchor_places
        if isinstance(config, GlobalMetricConfig):
            frames = run.dataset.observations[graph.anchor_rows]
            every = graph_of_frames(graph.graph, places)
            return GlobalMetric.fit(config, frames, np.zeros(len(frames), bool), every, run.training)
        metric: AnchoredMetric | ClassifiedMetric
        table, figures = embed_table(config.table, graph.graph, run.training.rng("global-landmarks", 0))
        if isinstance(config, ClassifiedConfig):
            frames = run.dataset.observations[graph.anchor_rows]
            metric, more = ClassifiedMetric.fit(config.classifier, frames, places, table, run.training)
            figures = {**figures, **more}
        else:
            metric = AnchoredMetric(config.anchors, local, graph.anchor_latents, places, table)
        return metric, {**figures, "megabytes": metric.nbytes / 1e6}

    def restore(arrays: Arrays) -> LatentMetric:
        if isinstance(config, GlobalMetricConfig):
            return GlobalMetric.restore(config, run.observation_shape, run.device, arrays)
        if isinstance(config, ClassifiedConfig):
            return ClassifiedMetric.restore(config.classifier, run.observation_shape, run.device, arrays)
        return AnchoredMetric.restore(config.anchors, local, arrays)

    return run.stage("global", config, learn, restore)


def join_places(config: PlaceGraphConfig, dataset: Dataset, places: np.ndarray, latents: np.ndarray) -> Graph:
    """Recorded steps between places, at their median length.

    Args:
        config: Whether steps can be undone, and whether to bridge.
        dataset: Where the steps were recorded.
        places: (N,) int64, the place of each row.
        latents: (V, Q) local latents of the places.
    """
    steps = places[dataset.transitions]
    lengths = np.ones(len(steps), np.float32) if dataset.step_lengths is None else dataset.step_lengths
    lengths = lengths / np.float32(np.median(lengths))
    moved = steps[:, 0] != steps[:, 1]
    steps, lengths = steps[moved], np.maximum(lengths[moved], _LEAST_STEP)
    if config.both_ways:
        steps, lengths = np.concatenate([steps, steps[:, ::-1]]), np.concatenate([lengths, lengths])
    steps, lengths = _medians(steps, lengths, len(latents))
    graph = Graph.from_edges(len(latents), np.column_stack([steps, lengths]))
    bridges = find_bridges(latents, graph.components()) if config.bridge else np.zeros((0, 2), np.int64)
    if not len(bridges):
        return graph
    # A gap of the local metric in steps: recorded steps are one long.
    local = lengths_of(latents, bridges)
    unit = np.median(lengths_of(latents, steps))
    gaps = np.maximum(local / max(float(unit), 1e-6), _LEAST_STEP)
    rows = np.column_stack([np.concatenate([bridges, bridges[:, ::-1]]), np.tile(gaps, 2)])
    found = np.arange(len(steps) + len(rows)) >= len(steps)
    table = np.concatenate([np.column_stack([steps, lengths]), rows])
    return Graph.from_edges(len(latents), table, inferred=found, bridge=found)


def graph_of_frames(graph: Graph, places: np.ndarray) -> Graph:
    """The graph with every frame as a vertex: the first frame of a place stands for it, the others are right there."""
    first = np.unique(places, return_index=True)[1]
    start = np.repeat(np.arange(graph.num_vertices), np.diff(graph.indptr))
    between = np.column_stack([first[start], first[graph.indices], graph.weights])
    rest = np.setdiff1d(np.arange(len(places)), first)
    stays = np.column_stack([rest, first[places[rest]], np.full(len(rest), _HERE)])
    return Graph.from_edges(len(places), np.concatenate([between, stays, stays[:, [1, 0, 2]]]))


def _medians(steps: np.ndarray, lengths: np.ndarray, num_places: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pair of places once, at the median of its lengths: (R, 2), (R,) -> (E, 2), (E,)."""
    key = steps @ (num_places, 1)
    order = np.lexsort((lengths, key))
    key, lengths = key[order], lengths[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    counts = np.diff(first, append=len(key))
    return steps[order[first]], lengths[first + (counts - 1) // 2]
