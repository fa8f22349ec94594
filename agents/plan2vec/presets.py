"""Configurations that were measured, by the kind of data they are for; a variant is ``dataclasses.replace``."""

from __future__ import annotations

from dataclasses import replace

from ..control.action_memory import MemoryConfig
from ..control.controls import ForwardControl, InverseControl, Ring
from ..control.forward_model import ForwardModelConfig
from ..control.inverse_model import InverseModelConfig
from ..graphs.building import GraphConfig, Spread
from ..graphs.pruning import PruningConfig
from ..metrics.distillation import LandmarkRegressionConfig
from ..metrics.global_metric import GlobalMetricConfig
from ..metrics.local import LocalMetricConfig
from ..metrics.tables.anchored import AnchorConfig, AnchoredConfig
from ..metrics.tables.table_embedding import TableConfig
from .agent import Plan2VecConfig
from .waypoints import Plan2VecWaypointsConfig

STATES = Plan2VecConfig(
    global_metric=GlobalMetricConfig(latent_dim=32, hidden=256, algorithm=LandmarkRegressionConfig(steps=2000))
)
"""For vectors in short trajectories: a wider network, which such observations feed cheaply."""

ROPE = Plan2VecWaypointsConfig(
    local_metric=LocalMetricConfig(
        trunk="grey_levels", members=8, positive_window=2, latent_dim=32, hidden=256, steps=1000, max_threshold=1.0
    ),
    graph=GraphConfig(max_vertices=20_000, recorded_weight="local", pruning=PruningConfig(agreement=1.0, penalty=2.0)),
    # 256 dimensions lengthen D by a quarter: this graph is far from negative type.
    global_metric=AnchoredConfig(TableConfig(latent_dim=96), AnchorConfig(nearest=8, temperature=0.1)),
    control=ForwardControl(ForwardModelConfig(hidden=256, steps=2500, candidates=256)),
    memory=MemoryConfig(penalty=0.0, capacity=200, visit_penalty=0.3),
)
"""For 18 long sequences of a rope: all frames are remembered, neighbours are up to two steps apart (App. B.2)."""

FEATURELESS_ROPE = replace(
    ROPE,
    local_metric=replace(ROPE.local_metric, trunk="pooled_mlp", steps=800, max_threshold=0.8),
    graph=replace(ROPE.graph, pruning=PruningConfig(agreement=1.1, penalty=2.0)),
)
"""For a rope of one shade: where a grey level is says nothing about its shape."""

VECTORS = Plan2VecWaypointsConfig(
    local_metric=LocalMetricConfig(trunk="identity", members=1),
    graph=GraphConfig(max_vertices=4000, vertices=Spread(), recorded_weight="local"),
    global_metric=AnchoredConfig(anchors=AnchorConfig(nearest=8, temperature=0.5)),
    control=InverseControl(
        InverseModelConfig(hidden=256, max_gap=16, steps=3000, candidates=256, full_strength=True),
        Ring(distance_source="metric"),
    ),
    memory=MemoryConfig(penalty=0.0, capacity=200, visit_penalty=0.3, visit_radius=2.0),
)
"""For much data of few-dimensional vectors and continuous actions: vertices are spread over it, nearness is the
straight line, and waypoints lie on a ring."""
