"""What a fit leaves behind, part by part; each part to arrays and back, for checkpoints and for saved agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .errors import NotFittedError
from .forward_model import ForwardModel
from .global_metric import GlobalMetric
from .graph import Graph
from .local_metric import LocalMetric
from .saving import load_network, network_arrays
from .workdir import Arrays

if TYPE_CHECKING:
    from .plan2vec import Plan2VecConfig

_PART_OF = {"local": "local_metric", "graph": "graph", "global": "global_metric", "forward": "forward_model"}
STAGES = tuple(_PART_OF)


class Parts:
    """The learned parts of a plan2vec agent, one for each stage of its fit; those not learned yet are None."""

    def __init__(self, config: Plan2VecConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        self.config = config
        self.observation_shape = observation_shape
        self.device = device
        self.local_metric: LocalMetric | None = None
        self.graph: Graph | None = None
        self.vertex_rows = np.zeros(0, np.int64)
        self.local_latents = np.zeros((0, 0), np.float32)
        self.global_metric: GlobalMetric | None = None
        self.vertex_embeddings = np.zeros((0, 0), np.float32)
        self.forward_model: ForwardModel | None = None

    def has(self, stage: str) -> bool:
        """Whether the part of this stage is there."""
        return getattr(self, _PART_OF[stage]) is not None

    def arrays(self, stage: str) -> Arrays:
        """Everything that the part of this stage is made of."""
        if stage == "local":
            return learned(self.local_metric).arrays()
        if stage == "graph":
            return {
                **learned(self.graph).arrays(),
                "vertex_rows": self.vertex_rows,
                "local_latents": self.local_latents,
            }
        if stage == "global":
            return {**network_arrays(learned(self.global_metric).network), "vertex_embeddings": self.vertex_embeddings}
        return network_arrays(learned(self.forward_model))

    def restore(self, stage: str, arrays: Arrays) -> None:
        """Make the part of this stage from the arrays that ``arrays`` gave.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        if stage == "local":
            self.local_metric = LocalMetric.restore(
                self.config.local_metric, self.observation_shape, self.device, arrays
            )
        elif stage == "graph":
            self.vertex_rows, self.local_latents = arrays["vertex_rows"], arrays["local_latents"]
            self.graph = Graph.from_arrays(arrays)
        elif stage == "global":
            self.vertex_embeddings = arrays["vertex_embeddings"]
            self.global_metric = GlobalMetric(self.config.global_metric, self.observation_shape, self.device)
            weights = {name: array for name, array in arrays.items() if name != "vertex_embeddings"}
            load_network(self.global_metric.network, weights)
        else:
            latent_dim = self.config.global_metric.latent_dim
            self.forward_model = ForwardModel(self.config.forward_model, latent_dim, arrays["candidates"])
            load_network(self.forward_model.to(self.device), arrays)


def learned(part: Any) -> Any:
    """The part itself.

    Raises:
        NotFittedError: if it is None.
    """
    if part is None:
        raise NotFittedError("this agent has learned nothing yet; call fit(dataset) or load(path) first")
    return part
