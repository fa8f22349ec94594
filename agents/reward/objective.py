"""D as the goal cost of a planner in a world model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..errors import ConfigError, MetricError, ObservationError
from .agent_distance import AgentDistance


class Plan2vecObjective:
    """cost(b, s) = D(last prediction of candidate s in environment b, goal of b), in steps.

    It is called as stable-worldmodel calls an ``Objective``: with the dict that the world model has filled by rolling
    out the candidate actions. In release 0.1.1, where the cost is still a method of the model, put it in the place of
    that method: ``model.criterion = Plan2vecObjective(agent)``.

    A world model's own latents are no observations of an agent that was fitted on frames. Fit the agent on the recorded
    frames' latents of that model, as vectors, or give ``decode``.
    """

    def __init__(
        self,
        agent: Any,
        *,
        predicted_key: str = "predicted_emb",
        goal_key: str = "goal_emb",
        latents: bool = False,
        decode: Callable[[Any], Any] | None = None,
    ) -> None:
        """Take a fitted agent.

        Args:
            agent: Measures the distance.
            predicted_key: Where the predictions are, (B, S, T, ...) of B environments, S candidates, T steps.
            goal_key: Where the goals are, (B, ...), (B, T, ...) or (B, S, T, ...); the last of T counts, and the first
                of S, since all candidates of an environment pursue one goal.
            latents: Both are latents phi of the agent itself (``agent.embed``), as its own forward model predicts them,
                and not observations. Then gradients pass, for planners that descend along them.
            decode: Makes (n, ...) predictions or goals into n observations of the agent (or its latents): undoes a
                normalisation, say, or draws a latent.

        Raises:
            ConfigError: if the agent is not fitted, or has no latents where they are asked for.
        """
        self.measure = AgentDistance(agent)
        self.predicted_key, self.goal_key = predicted_key, goal_key
        self.decode = decode
        metric = getattr(agent, "metric", None) or getattr(agent, "global_metric", None)
        self.head = getattr(metric, "head", None) if latents else None
        if latents and self.head is None:
            raise ConfigError(
                f"agent {self.measure.name!r} is no distance of latents, so it cannot judge any; give observations, "
                "with latents=False, or a plan2vec agent"
            )

    def __call__(self, info_dict: dict[str, Any], action_candidates: Any = None) -> torch.Tensor:
        """The cost of every candidate.

        Args:
            info_dict: What the world model left, tensors or arrays; it stays as it is.
            action_candidates: Unused; some models of release 0.1.1 pass it.

        Returns:
            (B, S) float32, in steps, on the device of the predictions.

        Raises:
            ObservationError: if an entry is missing, or of a shape or dtype that the agent does not know.
            ConfigError: if gradients are asked for and cannot pass.
            MetricError: if a distance is NaN or infinite.
        """
        predicted, goal = self._entry(info_dict, self.predicted_key), self._entry(info_dict, self.goal_key)
        leading = goal.ndim - (predicted.ndim - 3)
        if predicted.ndim < 4 or not 1 <= leading <= 3 or len(goal) != len(predicted):
            raise ObservationError(
                f"{self.predicted_key!r} has shape {tuple(predicted.shape)} and {self.goal_key!r} {tuple(goal.shape)}; "
                "predictions are (B, S, T, ...), goals (B, ...), (B, T, ...) or (B, S, T, ...) of the same B"
            )
        shape, last = tuple(predicted.shape[:2]), predicted[:, :, -1]
        for _ in range(leading - 1):
            goal = goal[:, 0 if goal.ndim == predicted.ndim else -1]
        ends, goals = (self._decoded(each) for each in (last.reshape(-1, *last.shape[2:]), goal))
        if self.head is not None:
            cost = self.head.distance(ends.reshape(*shape, -1), goals[:, None])
            if not bool(torch.isfinite(cost).all()):
                raise MetricError("some costs are NaN or infinite; the predicted latents or the goals are not finite")
            return cost
        if ends.requires_grad and torch.is_grad_enabled():
            raise ConfigError(
                "gradients are asked for and do not pass through an agent's observations; plan by sampling (CEM, iCEM, "
                "MPPI), or let a model predict the agent's own latents and give latents=True"
            )
        codes, goal_codes = (self.measure.encode(each.detach().cpu().numpy()) for each in (ends, goals))
        steps = self.measure.between(codes, np.repeat(goal_codes, shape[1], axis=0))
        return torch.as_tensor(steps, device=ends.device).reshape(shape)

    @staticmethod
    def _entry(info_dict: dict[str, Any], key: str) -> torch.Tensor:
        if key not in info_dict:
            raise ObservationError(
                f"there is no {key!r} among {', '.join(sorted(info_dict))}; "
                "name the entries by predicted_key and goal_key"
            )
        value = info_dict[key]
        # Frames of a mapped file are read-only, which torch cannot express.
        return value if isinstance(value, torch.Tensor) else torch.as_tensor(np.require(value, requirements="W"))

    def _decoded(self, values: torch.Tensor) -> torch.Tensor:
        return values if self.decode is None else torch.as_tensor(self.decode(values))
