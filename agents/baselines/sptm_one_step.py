"""SPTM's one-step metric (Table 1, "1-step"): the local metric as it is, taken for a distance to far goals."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..base.agent import register_agent
from ..base.distance_agent import DistanceAgent, DistanceConfig
from ..metrics.local import LocalMetric


@dataclass(frozen=True)
class SPTMOneStepConfig(DistanceConfig):
    """The local metric, acted on without a graph."""

    saturation: float | None = None
    """steps at which D is cut, as min(d, 2) with 2.0: what d was trained to say; None keeps what it says beyond"""


@register_agent
class SPTMOneStepAgent(DistanceAgent):
    """D = d, latents = psi: true to one step, and beyond that whatever the networks make of it."""

    name = "sptm-1-step"
    config: SPTMOneStepConfig
    config_class = SPTMOneStepConfig
    stages = ("local", "forward")

    @property
    def metric(self) -> LocalMetric:
        """The local metric, which is all there is."""
        return self.local_metric

    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> LocalMetric:
        return LocalMetric(self.config.local_metric, observation_shape, device)

    def _between(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        distance = super()._between(z, g)
        return distance if self.config.saturation is None else distance.clamp(max=self.config.saturation)
