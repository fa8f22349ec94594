"""Plan2vec for worlds of places, seen a few times each: streets, and anything photographed step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from data_collection import Dataset
from data_collection.errors import check_name

from ..base.agent import register_agent
from ..base.distance_agent import DistanceAgent, DistanceConfig
from ..base.graph_agent import GraphMemory, GraphParts
from ..base.state import DistanceParts, learned
from ..errors import ConfigError
from ..graphs.building import find_bridges
from ..graphs.graph import Graph
from ..metrics.global_metric import GlobalMetric, GlobalMetricConfig
from ..metrics.places import Neighbours, PlaceMetric, PlaceMetricConfig, group_frames
from ..metrics.places.place_metric import unique_frames
from ..metrics.tables.anchored import AnchorConfig, AnchoredMetric
from ..metrics.tables.classified import ClassifiedMetric, ClassifierConfig
from ..metrics.tables.table_embedding import TableConfig, embed_table
from ..training.loop import Training
from ..training.saving import load_network, network_arrays
from ..training.splits import ValidationSplit
from ..training.workdir import Arrays

_HERE = 1e-3  # steps between two frames of one place


@dataclass(frozen=True)
class PlaceGraphConfig:
    """The graph of places."""

    threshold: float | None = None
    """largest distance of two frames of one place; None for the calibrated one"""
    least_step: float = 0.5
    """median steps that a recorded step counts at least: places a hand's breadth apart must stay apart in D"""
    both_ways: bool = True
    """whether a step that was recorded one way can be gone the other way; not where streets are one-way"""
    supported_only: bool = True
    """whether frames are merged only where the sequences around them match too"""
    bridge: bool = True
    """join pieces by the shortest gaps of the local metric, one edge each, at the length of that gap"""


@dataclass(frozen=True)
class Plan2VecPlacesConfig(DistanceConfig):
    """All choices."""

    local_metric: PlaceMetricConfig = field(default_factory=PlaceMetricConfig)  # type: ignore[assignment]
    """knowing a place again"""
    graph: PlaceGraphConfig = field(default_factory=PlaceGraphConfig)
    """which frames show one place, and how far it is to the next"""
    embedding: Literal["anchored", "classified", "network"] = "anchored"
    """"anchored": the local metric knows the place again, a table holds its latents: exact, and as large as the data;
    "classified": a network says which place it is: as large as the table, however many pictures there were;
    "network": a network regresses latents from images: of constant size, and blurred between places"""
    table: TableConfig = field(default_factory=TableConfig)
    """of "anchored" and "classified": latents of the places"""
    anchors: AnchorConfig = field(default_factory=AnchorConfig)
    """of "anchored": from an image to latents"""
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)
    """of "classified": from an image to its place"""
    network: GlobalMetricConfig = field(
        default_factory=lambda: GlobalMetricConfig(trunk="cnn", latent_dim=32, hidden=256, steps=1500, sources=1024)
    )
    """of "network" """


class PlacesParts(GraphParts, DistanceParts):
    """Those of a distance agent, and the graph with the frames of each vertex."""

    part_of: ClassVar[dict[str, str]] = {
        "local": "local_metric",
        "graph": "graph",
        "global": "metric",
        "forward": "forward_model",
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.anchor_rows = self.anchor_places = np.zeros(0, np.int64)
        self.anchor_latents = np.zeros((0, 0), np.float32)

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        if stage == "graph":
            anchors: Arrays = {
                "anchor_rows": self.anchor_rows,
                "anchor_places": self.anchor_places,
                "anchor_latents": self.anchor_latents,
            }
            return {**super().arrays(stage), **anchors}
        if stage == "global" and self.config.embedding == "network":
            return network_arrays(learned(self.metric).network)
        return super().arrays(stage)

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "local":
            self.local_metric = PlaceMetric.restore(self.config.local_metric, arrays)  # type: ignore[assignment]
        elif stage == "global" and self.config.embedding == "network":
            self.metric = GlobalMetric(self.config.network, self.observation_shape, self.device)
            load_network(self.metric.network, arrays)
        elif stage == "global" and self.config.embedding == "classified":
            self.metric = ClassifiedMetric.restore(self.config.classifier, self.observation_shape, self.device, arrays)
        elif stage == "global":
            local: Any = learned(self.local_metric)
            self.metric = AnchoredMetric(self.config.anchors, local, arrays["keys"], arrays["places"], arrays["table"])
        else:
            if stage == "graph":
                self.anchor_rows, self.anchor_places = arrays["anchor_rows"], arrays["anchor_places"]
                self.anchor_latents = arrays["anchor_latents"]
            super().restore(stage, arrays)


@register_agent
class Plan2VecPlaces(GraphMemory, DistanceAgent):
    """Knows places again, puts the sequences together at them, and keeps the graph's distances as a table of latents.

    ::

        sequences -> local metric d: same place? -> graph of places -> shortest paths -> table -> phi(x) by anchors

    The step lengths of the dataset, if it has them, are the lengths of edges, in units of the median step.
    """

    name = "plan2vec-places"
    config: Plan2VecPlacesConfig
    config_class = Plan2VecPlacesConfig
    parts_class = PlacesParts
    stages = ("local", "graph", "global", "forward")
    shareable: ClassVar[dict[str, str]] = {"local": "local_metric", "graph": "graph"}

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> AnchoredMetric:
        raise ConfigError("an anchored metric is made of what was learned; see PlacesParts.restore")

    # Learning

    def _fit_local(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        metric, figures = PlaceMetric.fit(self.config.local_metric, dataset)
        self._parts.local_metric = metric
        return figures

    def _fit_graph(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        parts, config, local = learned(self._parts), self.config.graph, self.local_metric
        rows, row_frames = unique_frames(dataset.observations)
        latents = local.embed(dataset.observations[rows])
        neighbours = Neighbours.of(len(rows), row_frames[dataset.transitions])
        candidates = self.config.local_metric.candidates
        places, figures = group_frames(
            latents, neighbours, self.threshold, candidates, supported_only=config.supported_only
        )
        parts.anchor_rows, parts.anchor_places, parts.anchor_latents = rows, places, latents
        first = np.unique(places, return_index=True)[1]
        parts.vertex_rows, parts.local_latents = rows[first], latents[first]
        parts.graph = self._place_graph(dataset, places[row_frames], latents[first])
        return {
            "frames": float(len(rows)),
            "vertices": float(parts.graph.num_vertices),
            "edges": float(parts.graph.num_edges),
            **figures,
            "bridges": float(parts.graph.bridge.sum()) / 2,
            "threshold": self.threshold,
        }

    def _place_graph(self, dataset: Dataset, places: np.ndarray, latents: np.ndarray) -> Graph:
        """Recorded steps between places, at their median length."""
        config, steps = self.config.graph, places[dataset.transitions]
        lengths = np.ones(len(steps), np.float32) if dataset.step_lengths is None else dataset.step_lengths
        lengths = lengths / np.float32(np.median(lengths))
        moved = steps[:, 0] != steps[:, 1]
        steps, lengths = steps[moved], np.maximum(lengths[moved], config.least_step)
        if config.both_ways:
            steps, lengths = np.concatenate([steps, steps[:, ::-1]]), np.concatenate([lengths, lengths])
        steps, lengths = _medians(steps, lengths, len(latents))
        graph = Graph.from_edges(len(latents), np.column_stack([steps, lengths]))
        bridges = find_bridges(latents, graph.components()) if config.bridge else np.zeros((0, 2), np.int64)
        if not len(bridges):
            return graph
        # A gap of the local metric in steps: recorded steps are one long.
        local = np.linalg.norm(latents[bridges[:, 0]] - latents[bridges[:, 1]], axis=1)
        unit = np.median(np.linalg.norm(latents[steps[:, 0]] - latents[steps[:, 1]], axis=1))
        gaps = np.maximum(local / max(float(unit), 1e-6), config.least_step)
        rows = np.column_stack([np.concatenate([bridges, bridges[:, ::-1]]), np.tile(gaps, 2)])
        found = np.arange(len(steps) + len(rows)) >= len(steps)
        return Graph.from_edges(
            len(latents), np.concatenate([np.column_stack([steps, lengths]), rows]), inferred=found, bridge=found
        )

    def _fit_global(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        check_name("embedding", self.config.embedding, ("anchored", "classified", "network"))
        parts = learned(self._parts)
        if self.config.embedding == "network":
            frames = dataset.observations[parts.anchor_rows]
            graph = graph_of_frames(self.graph, parts.anchor_places)
            none = np.zeros(len(frames), bool)
            parts.metric, figures = GlobalMetric.fit(self.config.network, frames, none, graph, training)
            return figures
        table, figures = embed_table(self.config.table, self.graph, training.rng("global-landmarks", 0))
        if self.config.embedding == "classified":
            frames, places = dataset.observations[parts.anchor_rows], parts.anchor_places
            parts.metric, more = ClassifiedMetric.fit(self.config.classifier, frames, places, table, training)
            figures = {**figures, **more}
        else:
            parts.metric = AnchoredMetric(
                self.config.anchors, parts.local_metric, parts.anchor_latents, parts.anchor_places, table
            )
        return {**figures, "megabytes": parts.metric.nbytes / 1e6}

    @property
    def metric(self) -> Any:
        """The embedding and the distance of its latents: one of the three embeddings."""
        return learned(learned(self._parts).metric)


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
