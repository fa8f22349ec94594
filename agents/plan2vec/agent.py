"""Plan2vec: local metric, graph, global metric, forward model; then acting is one look-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_collection import Dataset

from ..base.distance_agent import DistanceAgent, fit_forward, fit_local
from ..base.graph_agent import GraphAgent, fit_graph
from ..base.registry import register_agent
from ..control.action_memory import MemoryConfig
from ..control.forward_model import ForwardModelConfig
from ..graphs.building import GraphConfig
from ..metrics.global_metric import GlobalMetricConfig
from ..metrics.latent_metric import LatentMetric
from ..metrics.local import LocalMetricConfig
from ..metrics.tables.anchored import AnchoredConfig, AnchoredMetric
from ..training.config_json import with_option
from ..training.loop import Training, one_torch_thread
from .stages import VertexMetric, fit_global


@dataclass(frozen=True)
class Plan2VecConfig:
    """All choices of the method; a variant is ``dataclasses.replace``."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    """the local metric d (Eq. 5)"""
    graph: GraphConfig = field(default_factory=GraphConfig)
    """which frames are vertices, and which of them are joined (Sec. 3)"""
    global_metric: GlobalMetricConfig | AnchoredConfig = field(default_factory=GlobalMetricConfig)
    """the embedding phi whose distance is the shortest-path distance. "network": regressed from images, of constant
    size; "anchored": the local metric knows the vertices' frames again and a table holds their latents"""
    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    """where the latent goes for each action"""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """what was tried at this spot"""


@register_agent
class Plan2Vec(DistanceAgent, GraphAgent):
    """Learns a goal-reaching metric from offline rollouts and acts by it.

    ::

        dataset -> local metric d -> graph -> shortest paths -> global metric D -> act: argmin_a D(f(s, a), g)

    Example::

        agent = Plan2Vec().fit(dataset)
        action = agent.act(observation["observation"], observation["desired_goal"])
    """

    name = "plan2vec"
    config_class = Plan2VecConfig
    config: Plan2VecConfig
    metric: VertexMetric | AnchoredMetric

    def _fit(self, run: Any) -> None:
        c = self.config
        # 1. The local metric d: how many steps apart two observations are, true only nearby.
        local = fit_local(run, c.local_metric)
        # 2. The graph: recorded steps, and frames that d says are neighbours.
        graph = fit_graph(run, c.graph, local, c.local_metric.members)
        # 3. The global metric D: an embedding whose distance is the shortest-path distance.
        self.metric = fit_global(run, c.global_metric, local, graph)
        # 4. The forward model: where the latent goes for each action.
        self.forward_model = fit_forward(run, c.forward_model, lambda: self.metric)
        self.local_metric, self.frame_graph = local, graph

    @property
    def global_metric(self) -> LatentMetric:
        """The embedding phi, and D of its latents."""
        return self.metric

    @property
    def vertex_embeddings(self) -> np.ndarray:
        """(V, D) float32, phi of each vertex."""
        return self.metric.vertex_embeddings

    @one_torch_thread()
    def with_latent_dim(
        self, latent_dim: int, dataset: Dataset, *, workdir: Path | str | None = None, progress: bool = True
    ) -> Plan2Vec:
        """A second agent over the same graph whose phi has ``latent_dim`` dimensions; it does not act.

        It is fitted as this one was.

        Args:
            latent_dim: 2 draws a map.
            dataset: The dataset this agent was fitted on.
            workdir: As in ``fit``.
            progress: Show a bar.
        """
        other = Plan2Vec(with_option(self.config, "global_metric.latent_dim", latent_dim)).sharing(self)
        device = str(self.local_metric.device)
        training = Training.begin(
            self.seed, workdir=workdir, device=device, progress=progress, execution=self.execution, label="map"
        )
        return other._learn(dataset, training, acts=False)
