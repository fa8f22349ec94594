"""The latent forward model: where phi goes for each action. It turns a distance into a choice of action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_collection import Dataset

from ..graphs.landmarks import farthest_points
from ..networks import Standardiser, in_chunks, mlp
from ..training.loop import Batch, Tensors, Training, train
from ..training.network_arrays import load_network, network_arrays
from ..training.saving import Arrays

_AT_ONCE = 8192  # transitions validated at a time: hidden layers of a million would take a gigabyte each


@dataclass(frozen=True)
class ForwardModelConfig:
    """A residual MLP z' = z + f(z, a)."""

    hidden: int = 128
    """width of the two hidden layers"""
    steps: int = 2000
    """gradient steps"""
    batch_size: int = 256
    """transitions a step"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""
    candidates: int = 64
    """continuous actions only: how many recorded actions, spread out, are considered at each decision"""

    def memory_need(self, size: Any) -> int:
        """Bytes: latents of all observations, both ends of all transitions, and the actions."""
        return 4 * size.latents * (size.rows + 3 * size.transitions) + 2 * size.action_bytes


class ForwardModel(nn.Module):
    """Predicts the next latent for each of K candidate actions.

    Discrete actions are their own candidates and share a trunk with one output block an action; continuous
    candidates are recorded actions and enter as input.
    """

    candidates: torch.Tensor

    def __init__(self, config: ForwardModelConfig, latent_dim: int, candidates: np.ndarray) -> None:
        """Candidates: (K,) int64 for discrete actions 0 to K - 1, or (K, A) float32."""
        super().__init__()
        self.config = config
        self.discrete = candidates.ndim == 1
        self.latent_dim = latent_dim
        self.register_buffer("candidates", torch.as_tensor(candidates))
        self.standardise = Standardiser((latent_dim,))
        inputs = latent_dim if self.discrete else latent_dim + candidates.shape[1]
        outputs = latent_dim * (len(candidates) if self.discrete else 1)
        self.net = mlp([inputs, config.hidden, config.hidden, outputs])

    @classmethod
    def fit(
        cls,
        config: ForwardModelConfig,
        latents: np.ndarray,
        dataset: Dataset,
        held_out: np.ndarray,
        training: Training,
    ) -> tuple[Self, dict[str, float]]:
        """Learn z' - z from recorded transitions, blocked ones included: they teach where the walls are.

        Args:
            config: What to learn.
            latents: (N, D) latent of each dataset row.
            dataset: Its M transitions, with actions.
            held_out: (M,) bool, transitions kept for validation.
            training: How to run.

        Returns:
            The model and its validation figures on held-out transitions: ``error`` (mean length of the error, in
            steps of the latent), ``step`` (mean length of the displacement, for scale).
        """
        transitions, actions, num_actions = dataset.transitions, dataset.actions, dataset.num_actions
        assert actions is not None
        candidates = (
            np.arange(num_actions, dtype=np.int64)
            if num_actions is not None
            else spread_actions(actions, config.candidates, training.rng("forward-candidates", 0))
        )
        with training.seeded_torch("forward"):
            model = cls(config, latents.shape[1], candidates).to(training.device)
        model.standardise.fit(latents)
        before = torch.as_tensor(latents[transitions[:, 0]], device=training.device)
        change = torch.as_tensor(latents[transitions[:, 1]], device=training.device) - before
        taken = torch.tensor(actions, device=training.device)
        learn = np.flatnonzero(~held_out)

        def sample(rng: np.random.Generator) -> Batch:
            return {"transitions": learn[rng.integers(len(learn), size=config.batch_size)]}

        def loss(batch: Tensors) -> torch.Tensor:
            rows = batch["transitions"]
            return F.smooth_l1_loss(model.displacement(before[rows], taken[rows]), change[rows])

        train("forward", model, sample, loss, config, training)
        check = torch.as_tensor(np.flatnonzero(held_out) if held_out.any() else learn, device=training.device)
        with torch.inference_mode():
            parts = check.split(_AT_ONCE)
            off = [(model.displacement(before[part], taken[part]) - change[part]).norm(dim=1) for part in parts]
            error = torch.cat(off).mean()
        return model, {"error": float(error), "step": float(change[check].norm(dim=1).mean())}

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        return network_arrays(self)

    @classmethod
    def restore(cls, config: ForwardModelConfig, device: torch.device, arrays: Arrays) -> Self:
        """The model that ``arrays`` came from.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        model = cls(config, len(arrays["standardise.mean"]), arrays["candidates"])
        load_network(model.to(device), arrays)
        return model

    def displacement(self, z: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Z' - z for one action a row: (B, D) and (B,) or (B, A) -> (B, D)."""
        z = self.standardise(z)
        if self.discrete:
            every = self.net(z).view(len(z), -1, self.latent_dim)
            return every[torch.arange(len(z), device=z.device), actions]
        return self.net(torch.cat([z, actions], 1))

    def displacements(self, latents: np.ndarray, actions: np.ndarray, device: torch.device) -> np.ndarray:
        """The same for arrays, in pieces: (M, D) and (M,) or (M, A) -> (M, D) float32."""

        def work(rows: np.ndarray) -> torch.Tensor:
            return self.displacement(*(torch.tensor(each[rows], device=device) for each in (latents, actions)))

        with torch.inference_mode():
            return in_chunks(work, np.arange(len(latents)), _AT_ONCE).cpu().numpy()

    def imagine(self, z: torch.Tensor) -> torch.Tensor:
        """Next latents for every candidate: (B, D) -> (B, K, D)."""
        if self.discrete:
            return z[:, None] + self.net(self.standardise(z)).view(len(z), -1, self.latent_dim)
        count = len(self.candidates)
        change = self.displacement(z.repeat_interleave(count, 0), self.candidates.repeat(len(z), 1))
        return z[:, None] + change.view(len(z), count, self.latent_dim)


def spread_actions(actions: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to ``count`` recorded actions far from one another, (K, A) float32: farthest-point sampling of 4096."""
    pool = actions[rng.choice(len(actions), size=min(4096, len(actions)), replace=False)].astype(np.float32)
    return pool[farthest_points(pool, count, 0)]
