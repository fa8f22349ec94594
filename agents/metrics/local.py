"""The local metric d of Eq. 5: how many steps apart two observations are, learned from pairs, true only nearby."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch

from data_collection import Dataset
from data_collection.errors import check_name

from ..errors import ConfigError
from ..graphs.transitions import moving_transitions
from ..networks import Ensemble, build_trunk, embed_in_chunks
from ..training.loop import Batch, Tensors, Training, train
from ..training.saving import load_network, network_arrays, network_bytes
from ..training.workdir import Arrays
from .heads import get_head
from .local_losses import LocalLoss, hinge, nce, smooth_l1


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
    reach: int = 1
    """frames up to so many recorded steps apart are neighbours (App. B.2: 2 on rope): d of n steps is told to be
    n / reach, far frames 2, and afterwards d is scaled to steps"""
    steps: int = 400
    """gradient steps"""
    batch_pairs: int = 128
    """neighbour pairs a step and member; all other frames of the batch are negatives"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule (the paper: constant 1e-4, App. B.1)"""
    negatives: Literal["hinge", "smooth_l1", "nce"] = "hinge"
    """what frames of other trajectories are told: "hinge": to be 2 steps away or more; "smooth_l1": to be 2 steps away
    (Eq. 5 as printed); "nce": to be less likely than the neighbour (Eq. 4), after which d is scaled so that a recorded
    move is one step on average"""
    temperature: float = 1.0
    """of "nce" alone: the similarity of Eq. 4 is S = -d / temperature"""
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
    """recorded steps in which it changes by more than so many typical ones are no neighbours either; 0: there are none.
    For observations whose difference grows with the way, such as positions"""


class LocalMetric:
    """Siamese networks whose latent distance is the number of steps between near observations.

    Within a batch of neighbour pairs every frame of another trajectory is a negative; see ``local_losses`` for what
    is done with it (App. B.1 names the hinge as better than the printed loss).
    """

    def __init__(self, config: LocalMetricConfig, observation_shape: tuple[int, ...], device: torch.device) -> None:
        self.config = config
        self.device = device
        self.head = get_head("l2")
        self.network = Ensemble(
            [
                build_trunk(config.trunk, observation_shape, config.latent_dim, config.hidden)
                for _ in range(config.members)
            ]
        ).to(device)
        self.network.eval()  # one without weights is never trained, and so never told that it is done
        self.loss = _loss_of(config)
        self.scale = 1.0
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
            1.5 reaches), ``threshold`` (steps) and ``recall`` (share of held-out recorded steps within it),
            ``neighbour_mean`` and ``neighbour_std`` of d over held-out recorded steps; 1 and 0 would be perfect.
        """
        with training.seeded_torch("local"):
            metric = cls(config, learn.observation_shape, training.device)
        metric.network.standardise.fit(learn.observations)
        learnable = any(True for _ in metric.network.parameters())
        if learnable:
            metric._train(learn, training)
        if config.negatives == "nce" or not learnable:
            metric._convert_to_steps(learn)
        else:
            metric.scale = float(config.reach)
        return metric, metric._calibrate(held_out, training.rng("local-calibration", 0))

    def _train(self, dataset: Dataset, training: Training) -> None:
        frames = training.frames(self.network, dataset.observations)
        episode_ids = torch.tensor(dataset.episode_ids, device=self.device)
        pairs = self._moves(dataset, self.config.reach)
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

        train(
            "local",
            self.network,
            sample,
            loss,
            steps=self.config.steps,
            learning_rate=self.config.learning_rate,
            training=training,
            frames=frames,
            rows=lambda batch: batch["pairs"].swapaxes(1, 2).ravel(),
        )

    def _moves(self, dataset: Dataset, reach: int = 1) -> np.ndarray:
        """(P, 2) rows that count as neighbours."""
        return moving_transitions(dataset, reach, pauses=self.config.pauses, jumps=self.config.jumps)

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
        wanted = (rows[count:] - rows[:count]).to(near.dtype) / self.config.reach
        return self.loss(near, wanted, self.head.pairwise(latents, latents), other)

    def _convert_to_steps(self, learn: Dataset) -> None:
        """Scale d so that recorded moves of the training trajectories are one step long on average."""
        mean = float(self._between(self.embed(learn.observations), self._moves(learn)).mean())
        self.scale = 1 / mean if mean > 0 else 1.0

    def _calibrate(self, held_out: Dataset, rng: np.random.Generator) -> dict[str, float]:
        latents = self.embed(held_out.observations)
        near = self._between(latents, self._moves(held_out))
        self.threshold = min(float(np.quantile(near, self.config.recall)), self.config.max_threshold)
        batch = held_out.sample_pairs(4000, reach=self.config.reach, rng=rng)
        distance = self._between(latents, np.stack([batch.left, batch.right], 1))
        # Identical and near are one class here: a blocked action makes a neighbour pair of two equal frames.
        right = (distance > 1.5 * self.config.reach) == (batch.target == 2)
        return {
            "accuracy": float(right.mean()),
            "threshold": self.threshold,
            "recall": float((near <= self.threshold).mean()),
            "neighbour_mean": float(near.mean()),
            "neighbour_std": float(near.std()),
        }

    @staticmethod
    def _between(latents: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        return np.linalg.norm(latents[pairs[:, 0]] - latents[pairs[:, 1]], axis=1)

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        return {
            **network_arrays(self.network),
            "threshold": np.array([self.threshold]),
            "scale": np.array([self.scale]),
        }

    @classmethod
    def restore(
        cls,
        config: LocalMetricConfig,
        observation_shape: tuple[int, ...],
        device: torch.device,
        arrays: Arrays,
    ) -> LocalMetric:
        """The metric that ``arrays`` came from."""
        metric = cls(config, observation_shape, device)
        arrays = dict(arrays)
        metric.threshold = float(arrays.pop("threshold")[0])
        metric.scale = float(arrays.pop("scale", np.ones(1))[0])  # agents saved before there was a scale have none
        load_network(metric.network, arrays)
        return metric

    @property
    def nbytes(self) -> int:
        """Bytes that are kept for embedding."""
        return network_bytes(self.network)

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents psi of (B, ...) observations, (B, members * latent_dim) float32."""
        return embed_in_chunks(self.network, observations, self.device) * np.float32(self.scale)

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps; saturates beyond ~2."""
        return np.linalg.norm(self.embed(x) - self.embed(y), axis=1)

    def pairwise(self, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
        """D between all pairs, (n, ...) and (m, ...) -> (n, m) float32, in steps."""
        from scipy.spatial.distance import cdist

        return cdist(self.embed(xs), self.embed(ys)).astype(np.float32)


def _loss_of(config: LocalMetricConfig) -> LocalLoss:
    if config.reach < 1:
        raise ConfigError(f"reach is {config.reach}; neighbours are at least 1 recorded step apart")
    for name in ("pauses", "jumps"):
        if not getattr(config, name) >= 0:
            raise ConfigError(f"{name} is {getattr(config, name)} typical steps; need at least 0, which is off")
    if 0 < config.jumps <= max(1, config.pauses):
        raise ConfigError(f"jumps is {config.jumps}; longer than 1 typical step, and than a pause, are jumps; try 5")
    losses: dict[str, LocalLoss] = {
        "hinge": hinge,
        "smooth_l1": smooth_l1,
        "nce": partial(nce, temperature=config.temperature),
    }
    check_name("treatment of negatives", config.negatives, losses)
    if not config.temperature > 0:
        raise ConfigError(f"temperature is {config.temperature}; S = -d / temperature needs one above 0")
    return losses[config.negatives]
