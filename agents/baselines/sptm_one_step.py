"""SPTM's one-step metric (Table 1, "1-step"): the local metric as it is, taken for a distance to far goals."""

from __future__ import annotations

from typing import Any

from ..base.distance_agent import DistanceAgent, DistanceConfig, fit_forward, fit_local
from ..base.registry import register_agent


@register_agent
class SPTMOneStepAgent(DistanceAgent):
    """D = d, latents = psi: true to one step, and beyond that whatever the networks make of it."""

    name = "sptm-1-step"
    config: DistanceConfig
    config_class = DistanceConfig

    def _fit(self, run: Any) -> None:
        self.metric = self.local_metric = fit_local(run, self.config.local_metric)
        self.forward_model = fit_forward(run, self.config.forward_model, lambda: self.metric)
