"""The inverse model: which action leads from one observation towards another. SPTM calls it the locomotion network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_collection import Dataset

from ..graphs.lengths import differ
from ..networks import build_trunk, embed_in_chunks, mlp
from ..networks.learning_memory import learning_bytes
from ..training.loop import Batch, Tensors, Training, train
from ..training.network_arrays import SavedNetwork
from ..training.saving import Arrays
from .forward_model import spread_actions

_AT_ONCE = 8192  # transitions validated at a time: hidden layers of a million would take a gigabyte each


@dataclass(frozen=True)
class InverseModelConfig:
    """A Siamese embedding of both observations, and an MLP from the two latents to actions."""

    trunk: str = "pooled_mlp"
    """network that embeds a frame"""
    latent_dim: int = 32
    """dimensions of the embedding"""
    hidden: int = 128
    """width of the hidden layers"""
    max_gap: int = 2
    """recorded steps between the two observations at most; the action is the first of those between"""
    steps: int = 1500
    """gradient steps"""
    batch_size: int = 256
    """pairs a step"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""
    candidates: int = 64
    """continuous actions only: how many recorded actions, spread out, are considered at each decision"""
    full_strength: bool = False
    """continuous actions only: lengthen the predicted action until one entry is as large as any recorded one. The mean
    of many actions that lead to the same place is shorter than each of them"""

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the observations, what the network prepares of them, and the actions."""
        learning = learning_bytes(self, size.observation_shape, rows=size.rows, batch=2 * self.batch_size)
        kept = size.rows * (4 * self.latent_dim + 48)
        return size.observation_bytes + learning + kept + 2 * size.action_bytes


class InverseModel(SavedNetwork, nn.Module):
    """p(a | x, y) over discrete actions, or a Gaussian around a predicted continuous one.

    Its latents have no use as a metric. They are there so that a memory of frames is embedded once.
    """

    network: Any = property(lambda self: self)
    candidates: torch.Tensor
    spread: torch.Tensor

    def __init__(self, config: InverseModelConfig, observation_shape: tuple[int, ...], candidates: np.ndarray) -> None:
        """Candidates: (K,) int64 for discrete actions 0 to K - 1, or (K, A) float32."""
        super().__init__()
        self.config = config
        self.discrete = candidates.ndim == 1
        self.embedder = build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden)
        outputs = len(candidates) if self.discrete else candidates.shape[1]
        self.readout = mlp([2 * config.latent_dim, config.hidden, outputs])
        self.register_buffer("candidates", torch.as_tensor(candidates))
        self.register_buffer("spread", torch.ones(outputs))

    @classmethod
    def fit(
        cls, config: InverseModelConfig, learn: Dataset, held_out: Dataset, training: Training
    ) -> tuple[Self, dict[str, float]]:
        """Learn the first action of the way between recorded observations up to ``max_gap`` steps apart.

        Args:
            config: What to learn.
            learn: Trajectories with actions to train on.
            held_out: Trajectories with actions to validate on.
            training: How to run.

        Returns:
            The model and its validation figures on single held-out transitions. Discrete actions: ``accuracy``, which
            blocked actions keep below 1, since their two frames are equal, and ``accuracy_moving`` without those.
            Continuous ones: ``error``, root mean square over the entries of the action.
        """
        assert learn.actions is not None
        candidates = (
            np.arange(learn.num_actions, dtype=np.int64)
            if learn.num_actions is not None
            else spread_actions(learn.actions, config.candidates, training.rng("inverse-candidates", 0))
        )
        with training.seeded_torch("inverse"):
            model = cls(config, learn.observation_shape, candidates).to(training.device)
        model.embedder.standardise.fit(learn.observations)
        model._train(learn, training)
        return model, model._validate(held_out, training.device)

    def _train(self, dataset: Dataset, training: Training) -> None:
        frames = training.frames(self.embedder, dataset.observations)
        taken = torch.tensor(dataset.actions, device=training.device)
        transitions, config = dataset.transitions, self.config
        last = (dataset.episode_starts + dataset.episode_lengths)[dataset.episode_ids]

        def sample(rng: np.random.Generator) -> Batch:
            moves = rng.integers(len(transitions), size=config.batch_size)
            rows = transitions[moves, 0]
            gap = rng.integers(1, config.max_gap + 1, size=config.batch_size)
            return {"moves": moves, "before": rows, "after": np.minimum(rows + gap, last[rows])}

        def loss(batch: Tensors) -> torch.Tensor:
            found = self._outputs(*self.embedder.encode(batch["frames"]).chunk(2))
            actions = taken[batch["moves"]]
            return F.cross_entropy(found, actions) if self.discrete else F.mse_loss(found, actions)

        def rows(batch: Batch) -> np.ndarray:
            return np.concatenate([batch["before"], batch["after"]])

        train("inverse", self, sample, loss, config, training, frames=frames, rows=rows)

    def _validate(self, held_out: Dataset, device: torch.device) -> dict[str, float]:
        frames, (before, after) = held_out.observations, np.array(held_out.transitions.T)
        latents = torch.as_tensor(self.embed(frames, device), device=device)
        parts = np.array_split(np.arange(len(before)), max(1, len(before) // _AT_ONCE))
        with torch.inference_mode():
            found = np.concatenate(
                [self._outputs(latents[before[part]], latents[after[part]]).cpu().numpy() for part in parts]
            )
        if not self.discrete:
            error = np.sqrt(np.square(found - held_out.actions).mean(0))
            self.spread.copy_(torch.as_tensor(error).clamp(min=1e-3))
            return {"error": float(np.sqrt(np.square(error).mean()))}
        right = found.argmax(1) == held_out.actions
        moved = differ(frames, held_out.transitions)
        return {"accuracy": float(right.mean()), "accuracy_moving": float(right[moved].mean()) if moved.any() else 0.0}

    def _outputs(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Logits (B, K), or the continuous action (B, A)."""
        return self.readout(torch.cat([z, g - z], 1))

    def embed(self, observations: np.ndarray, device: torch.device) -> np.ndarray:
        """Latents of (B, ...) observations, (B, D) float32."""
        return embed_in_chunks(self.embedder, observations, device)

    def costs(self, z: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """-log p of every candidate for going from z towards g (up to a constant): (B, D) and (B, D) -> (B, K)."""
        found = self._outputs(z, g)
        if self.discrete:
            return -found.log_softmax(1)
        if self.config.full_strength:
            share = (found.abs() / self.candidates.abs().amax(0).clamp(min=1e-6)).amax(1, keepdim=True)
            found = found / share.clamp(min=1e-6)
        return ((found[:, None] - self.candidates) / self.spread).square().sum(2) / 2

    @classmethod
    def restore(
        cls, config: InverseModelConfig, observation_shape: tuple[int, ...], device: torch.device, arrays: Arrays
    ) -> Self:
        """The model that ``arrays`` came from.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        return cls(config, observation_shape, arrays["candidates"]).to(device).filled(arrays)
