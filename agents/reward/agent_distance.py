"""Any agent's distance, taken apart so that no observation is embedded twice."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..base.protocols import Metric
from ..errors import ConfigError, MetricError
from ..training.loop import one_torch_thread


class AgentDistance:
    """D of an agent, as a function of codes: what the agent needs to know of an observation.

    The code of an agent that is a distance between latents is the latent. Any other agent, such as one that judges
    stacked pairs, or -max_a Q, needs the observation itself.
    """

    def __init__(self, agent: Any) -> None:
        """Take any fitted agent, or anything that has ``observation_shape``, ``is_image`` and ``distance``.

        Raises:
            ConfigError: if it has not, as an agent before ``fit``.
        """
        self.agent = agent
        self.name = str(getattr(agent, "name", type(agent).__name__))
        missing = [name for name in ("observation_shape", "is_image", "distance") if not hasattr(agent, name)]
        if missing:
            raise ConfigError(
                f"{self.name!r} gives no reward: it has no {', '.join(missing)}. Give a fitted agent, as from "
                "agent.fit(dataset) or load_agent(path)"
            )
        self.has_latents = isinstance(agent, Metric)
        self.seconds = 0.0  # of wall time spent here, for whoever asks what the reward costs

    @one_torch_thread()
    def encode(self, observations: np.ndarray) -> np.ndarray:
        """Codes of (B, ...) observations: (B, D) float32 latents, or the observations; a fresh array.

        Raises:
            ObservationError: for observations unlike those of the training dataset.
        """
        began = time.perf_counter()
        codes = np.array(self.agent.embed(observations) if self.has_latents else observations)
        self.seconds += time.perf_counter() - began
        return codes

    @one_torch_thread()
    def between(self, codes: np.ndarray, goal_codes: np.ndarray) -> np.ndarray:
        """D from codes to matching codes of goals: (B,) float32, in steps.

        Raises:
            MetricError: if a distance is NaN or infinite.
        """
        began = time.perf_counter()
        ask = self.agent.between if self.has_latents else self.agent.distance
        distance = np.asarray(ask(codes, goal_codes), np.float32)
        self.seconds += time.perf_counter() - began
        wrong = ~np.isfinite(distance)
        if wrong.any():
            raise MetricError(
                f"the metric of agent {self.name!r} is {distance[wrong][0]} for {wrong.sum()} of {wrong.size} pairs, "
                "so it gives no reward; its weights or its observations are not finite. Train it again, and compare "
                "agent.distance on a few observations of the dataset"
            )
        return distance
