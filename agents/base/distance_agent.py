"""What every agent that is a distance between latents shares: acting by argmin after a forward model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch

from data_collection import Dataset

from ..control.action_memory import ActionMemory
from ..control.forward_model import ForwardModel, ForwardModelConfig
from ..errors import NotFittedError
from ..training.loop import Training
from ..training.splits import ValidationSplit
from .agent import as_batch
from .staged import StagedAgent, StagedConfig
from .state import DistanceParts, LatentMetric, Parts, learned


@dataclass(frozen=True)
class DistanceConfig(StagedConfig):
    """What all such agents choose, so that they differ in their embedding alone."""

    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    """where the latent goes for each action"""


class DistanceAgent(StagedAgent, ABC):
    """Measures D between latents and acts by it: argmin_a D(f(phi(s), a), phi(g)).

    A subclass gives ``name``, ``config_class`` and, for each entry of ``stages`` other than "local" and "forward", a
    method ``_fit_<stage>`` that puts what it learned into ``self._parts`` and returns validation figures.
    """

    config_class: ClassVar[type[DistanceConfig]]
    parts_class: ClassVar[type[DistanceParts]] = DistanceParts
    stages: ClassVar[tuple[str, ...]] = ("local", "embedding", "forward")

    @abstractmethod
    def _new_metric(self, observation_shape: tuple[int, ...], device: torch.device) -> LatentMetric:
        """The untrained metric."""

    def _new_parts(self, device: torch.device) -> Parts:
        return self.parts_class(self.config, self.observation_shape, device, self._new_metric)

    # Learning

    def _fit_forward(self, dataset: Dataset, folds: ValidationSplit, training: Training) -> dict[str, float]:
        assert dataset.actions is not None
        self._parts.forward_model, figures = ForwardModel.fit(
            self.config.forward_model,
            self.metric.embed(dataset.observations),
            dataset.transitions,
            dataset.actions,
            dataset.num_actions,
            folds.unseen(dataset.episode_ids[dataset.transitions[:, 0]]),
            training,
        )
        return figures

    # What was learned

    @property
    def metric(self) -> LatentMetric:
        """The embedding and the distance of its latents, by which the agent acts."""
        return learned(learned(self._parts).metric)

    @property
    def forward_model(self) -> ForwardModel:
        """The latent forward model."""
        model = learned(self._parts).forward_model
        if model is None:
            raise NotFittedError(
                "this agent has no forward model, so it measures and plans but does not act; "
                "fit it on a dataset with actions"
            )
        return model

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations: (B, D) float32; (D,) for a single one."""
        learned(self._parts)
        batch, single = as_batch(observations, self.observation_shape, self.is_image, "observation")
        latents = self.metric.embed(batch)
        return latents[0] if single else latents

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        return self.between(self.embed(observation), self._embed_goal(goal))

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """D between matching latents of ``embed``, (..., D) and (..., D) -> (...) float32, in steps."""
        with torch.inference_mode():
            z, g = (torch.as_tensor(array, device=self.metric.device) for array in (latents, goal_latents))
            return self._between(z, g).cpu().numpy()

    def _between(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """D between latents, (..., D) and (..., D) -> (...)."""
        return self.metric.head.distance(z, g)

    # Acting

    def _possible_actions(self) -> torch.Tensor:
        return self.forward_model.candidates

    def _costs(self, batch: np.ndarray, goal: np.ndarray, memory: ActionMemory | None) -> tuple[np.ndarray, np.ndarray]:
        """D from the imagined next latent to the goal: D(f(phi(s), a), phi(g)), in steps."""
        with torch.inference_mode():
            latents = self.metric.embed(batch)
            imagined = self.forward_model.imagine(torch.as_tensor(latents, device=self.metric.device))
            target = torch.as_tensor(np.atleast_2d(self._embed_goal(goal)), device=self.metric.device)[:, None]
            costs = self._between(imagined, target).cpu().numpy()
        return costs, latents if memory is None else self.local_metric.embed(batch)

    def _embed_goal(self, goal: np.ndarray) -> np.ndarray:
        """Latents of goals; those of the last call are kept, since a goal stays for a whole episode."""
        if self._goal_latents is not None and np.array_equal(self._goal_latents[0], goal):
            return self._goal_latents[1]
        batch, single = as_batch(goal, self.observation_shape, self.is_image, "goal")
        latents = self.metric.embed(batch)
        self._goal_latents = np.array(goal), latents[0] if single else latents
        return self._goal_latents[1]
