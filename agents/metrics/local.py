"""The local metric d of Eq. 5: how many steps apart two observations are, learned from pairs, true only nearby."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from data_collection import Dataset

from ..errors import ConfigError
from ..graphs.lengths import lengths_of
from ..graphs.transitions import moving_transitions
from ..networks import Ensemble, build_trunk
from ..networks.learning_memory import learning_bytes
from ..training.loop import Batch, Tensors, Training, train
from .heads.l2 import L2Head
from .latent_metric import NetworkMetric
from .local_losses import NCE, Hinge, LocalLoss, SmoothL1


@dataclass(frozen=True)
class LocalMetricConfig:
    """The Siamese local metric: d(x, y) = ||psi(x) - psi(y)||, in transition steps."""

    members: int = 4
    """networks trained side by side; d is the root mean square of theirs. From 100 rollouts of C-Maze, one network of
    four times the work joins places that are up to 28 steps apart; four small ones do not"""
    trunk: str = "pooled_mlp"
    """network that embeds a frame"""
    latent_dim: int = 8
    """dimensions of each member's psi; 3 are too few"""
    hidden: int = 128
    """width of the hidden layers"""
    positive_window: int = 1
    """positives are pairs at most this many recorded steps apart (App. B.2: 2 on rope), with target n / window for n
    steps; negatives are pushed to 2. d is rescaled to steps after training"""
    steps: int = 400
    """gradient steps"""
    batch_pairs: int = 128
    """neighbour pairs per step and member; all other frames of the batch are negatives"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule (the paper: constant 1e-4, App. B.1)"""
    negatives: Hinge | SmoothL1 | NCE = field(default_factory=Hinge)
    """loss of frames of other trajectories: "hinge" pushes them to 2 steps or more; "smooth_l1" to 2 steps (Eq. 5 as
    printed); "nce" makes them less likely than the neighbour (Eq. 4), after which d is scaled so that a recorded move
    is one step on average"""
    recall: float = 0.95
    """the calibrated threshold accepts at most this share of held-out recorded neighbours ..."""
    max_threshold: float = 1.1
    """... and is at most this many steps: with few rollouts d of unseen neighbours spreads, and following it out
    lets false edges in (one network, 100 rollouts of C-Maze: 0 % at 1.1 steps, 29 % at the 95 % quantile of 2.1)"""
    pauses: float = 0.0
    """recorded steps that change the observation by at most this many typical ones (``transitions.typical_step``) are
    no neighbours one step apart, for time differences are not distances; .25 where data hover with noise. At 0 only
    steps in which nothing changes at all are left out"""
    jumps: float = 0.0
    """recorded steps in which it changes by more than this many typical ones are no neighbours either; 0: there are
    none. For observations whose difference grows with the distance, such as positions"""

    def __post_init__(self) -> None:
        if self.positive_window < 1:
            raise ConfigError(f"positive_window is {self.positive_window}; neighbours are at least 1 step apart")
        for name in ("pauses", "jumps"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)} typical steps; need at least 0, which is off")
        if 0 < self.jumps <= max(1, self.pauses):
            raise ConfigError(f"jumps is {self.jumps}; longer than 1 typical step, and than a pause, are jumps; try 5")

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the observations, what the network prepares of them, and latents."""
        identity = self.trunk == "identity"
        size.latents = size.observation_shape[0] if identity else self.members * self.latent_dim
        batch = 2 * self.batch_pairs * self.members
        learning = learning_bytes(self, size.observation_shape, rows=size.rows, batch=batch)
        return size.observation_bytes + learning + size.rows * (4 * size.latents + 48)


class LocalMetric(NetworkMetric):
    """Siamese networks whose latent distance is the number of steps between near observations.

    Within a batch of neighbour pairs every frame of another trajectory is a negative; see ``local_losses`` for what
    is done with it (App. B.1 names the hinge as better than the printed loss).
    """

    network: Ensemble
    numbers = ("threshold", "scale")

    def __init__(self, config: LocalMetricConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        self.config = config
        self.device = device
        self.head = L2Head()
        self.loss: LocalLoss = config.negatives
        self.network = Ensemble(
            [
                build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden)
                for _ in range(config.members)
            ]
        ).to(device)
        self.network.eval()  # one without weights is never trained, and so never told that it is done
        self.threshold = 1.0

    @classmethod
    def fit(
        cls, config: LocalMetricConfig, learn: Dataset, held_out: Dataset, training: Training
    ) -> tuple[LocalMetric, dict[str, float]]:
        """Learn from some trajectories, calibrate the threshold on others.

        Args:
            config: What to learn.
            learn: Trajectories to train on.
            held_out: Trajectories to calibrate and validate on.
            training: How to run.

        Returns:
            The metric and its validation figures: ``accuracy`` (share of held-out 1:1:2 pairs on the right side of
            1.5 windows), ``threshold`` (steps) and ``recall`` (share of held-out recorded steps within it),
            ``neighbour_mean`` and ``neighbour_std`` of d over held-out recorded steps; 1 and 0 would be perfect.
        """
        with training.seeded_torch("local"):
            metric = cls(config, learn.observation_shape, training.device)
        metric.network.standardise.fit(learn.observations)
        learnable = any(True for _ in metric.network.parameters())
        if learnable:
            metric._train(learn, training)
        if not (learnable and config.negatives.fixes_unit):
            metric.calibrate(learn)
        else:
            metric.scale = float(config.positive_window)
        return metric, metric._set_threshold(held_out, training.rng("local-calibration", 0))

    def _train(self, dataset: Dataset, training: Training) -> None:
        frames = training.frames(self.network, dataset.observations)
        episode_ids = torch.tensor(dataset.episode_ids, device=self.device)
        pairs = self._moves(dataset, self.config.positive_window)
        count = min(self.config.batch_pairs, len(pairs))

        def sample(rng: np.random.Generator) -> Batch:
            return {"pairs": pairs[rng.integers(len(pairs), size=(self.config.members, count))]}

        def loss(batch: Tensors) -> torch.Tensor:
            # Each member has a batch of its own; their losses share no weight, so this trains each as if alone.
            each = batch["pairs"].transpose(1, 2).flatten(1)  # all left, then all right
            losses = [
                self._loss(member.encode(seen).float(), rows, episode_ids[rows])
                for member, rows, seen in zip(
                    self.network.members, each, batch["frames"].unflatten(0, each.shape), strict=True
                )
            ]
            return torch.stack(losses).sum()

        def rows(batch: Batch) -> np.ndarray:
            return batch["pairs"].swapaxes(1, 2).ravel()

        train("local", self.network, sample, loss, self.config, training, frames=frames, rows=rows)

    def _moves(self, dataset: Dataset, window: int = 1) -> np.ndarray:
        """(P, 2) rows that count as neighbours."""
        return moving_transitions(dataset, window, pauses=self.config.pauses, jumps=self.config.jumps)

    def _loss(self, latents: torch.Tensor, rows: torch.Tensor, episode_ids: torch.Tensor) -> torch.Tensor:
        """The loss of one member's batch.

        Args:
            latents: (2 * count, D), all left frames of the pairs, then all right ones.
            rows: (2 * count,) of the dataset; the right frame of a pair was recorded so many steps after the left one.
            episode_ids: (2 * count,).
        """
        count = len(latents) // 2
        near = self.head.distance(latents[:count], latents[count:])
        other = (episode_ids[:, None] != episode_ids[None]).float()
        wanted = (rows[count:] - rows[:count]).to(near.dtype) / self.config.positive_window
        return self.loss(near, wanted, self.head.pairwise(latents, latents), other)

    def _set_threshold(self, held_out: Dataset, rng: np.random.Generator) -> dict[str, float]:
        latents = self.embed(held_out.observations)
        near = lengths_of(latents, self._moves(held_out))
        self.threshold = min(float(np.quantile(near, self.config.recall)), self.config.max_threshold)
        batch = held_out.sample_pairs(4000, reach=self.config.positive_window, rng=rng)
        distance = lengths_of(latents, np.stack([batch.left, batch.right], 1))
        # Identical and near are one class here: a blocked action makes a neighbour pair of two equal frames.
        right = (distance > 1.5 * self.config.positive_window) == (batch.target == 2)
        return {
            "accuracy": float(right.mean()),
            "threshold": self.threshold,
            "recall": float((near <= self.threshold).mean()),
            "neighbour_mean": float(near.mean()),
            "neighbour_std": float(near.std()),
        }

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps; saturates beyond ~2."""
        return np.linalg.norm(self.embed(x) - self.embed(y), axis=1)
