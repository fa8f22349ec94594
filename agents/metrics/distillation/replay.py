"""Learning from single pairs: plan for some, keep the plans, take gradient steps on pairs drawn from those kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import nn

from ...errors import ConfigError, GraphError
from ...training.loop import Batch, Tensors
from .material import DistillationProblem

_TRIES = 10  # rounds of drawing new pairs in place of those that no plan was found for


@dataclass(frozen=True)
class ReplayConfig:
    """How planning and gradient steps alternate."""

    sources: ClassVar[int] = 64  # landmarks of the validation; nothing is learned from them
    steps: int = 1000
    """gradient steps"""
    learning_rate: float = 2e-3
    """peak of the one-cycle schedule"""
    batch_pairs: int = 128
    """(start, goal) pairs a step"""
    plans: int = 256
    """pairs planned for at a time"""
    replan: int = 10
    """gradient steps between two such times"""
    capacity: int = 20_000
    """plans kept, the latest; many steps learn from each, since exact plans cost more than steps"""

    def __post_init__(self) -> None:
        for name in ("batch_pairs", "plans", "replan", "capacity"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{type(self).__name__}: {name} is {getattr(self, name)}, need at least 1")


class Plans(NamedTuple):
    """B plans, of which some have failed."""

    ends: np.ndarray
    """(B,) vertices where they stopped; the goal, or where the rest of the way has to be estimated"""
    lengths: np.ndarray
    """(B,) length of the way so far, in steps"""
    kept: np.ndarray
    """(B,) bool, whether there is something to learn from it"""


class Replay(nn.Module, ABC):
    """What is trained, and all that it remembers between two gradient steps, so that a checkpoint holds both.

    Attributes:
        network: phi.
        latents: (V, D) float32, phi of every vertex as it was when last looked at.
        step: () int64, batches drawn: gradient steps, unless one takes several.
        tally: (2,) int64, pairs planned for in all, and those of them that were dropped.
    """

    draws_ahead: ClassVar[bool] = False  # it plans by what it has learned
    latents: torch.Tensor
    step: torch.Tensor
    tally: torch.Tensor
    _vertices: torch.Tensor
    _lengths: torch.Tensor
    _count: torch.Tensor

    def __init__(self, config: ReplayConfig, problem: DistillationProblem) -> None:
        super().__init__()
        self.config = config
        self.problem = problem
        self.network = problem.network
        self.register_buffer("latents", problem.embed_vertices())
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("tally", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("_vertices", torch.zeros(config.capacity, 3, dtype=torch.int64))  # start, goal, end
        self.register_buffer("_lengths", torch.zeros(config.capacity, dtype=torch.float32))
        self.register_buffer("_count", torch.zeros((), dtype=torch.int64))  # plans ever kept

    @abstractmethod
    def plan(self, starts: np.ndarray, goals: np.ndarray, rng: np.random.Generator) -> Plans:
        """Ways from (B,) starts towards (B,) goals."""

    def begin_step(self, step: int) -> None:
        """Renew what has to be renewed before this step."""

    def targets(self, starts: np.ndarray, goals: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """What D from start to goal should be, (B,) float32 in steps."""
        return lengths

    def sample(self, rng: np.random.Generator) -> Batch:
        """Plan where it is time to, then draw pairs and their targets from the plans kept.

        Raises:
            GraphError: if no plan was ever found.
        """
        step = int(self.step)
        self.begin_step(step)
        if step % self.config.replan == 0:
            self._plan_more(rng)
        known = min(int(self._count), self.config.capacity)
        rows = rng.integers(known, size=self.config.batch_pairs)
        starts, goals, ends = self._vertices[rows].cpu().numpy().T
        targets = self.targets(starts, goals, ends, self._lengths[rows].cpu().numpy())
        self.step += 1
        return {"starts": starts, "goals": goals, "targets": targets.astype(np.float32)}

    def rows(self, batch: Batch) -> np.ndarray:
        """The vertices of a batch: starts, then goals."""
        return np.concatenate([batch["starts"], batch["goals"]])

    def loss(self, batch: Tensors) -> torch.Tensor:
        """The loss of D on the pairs of a batch."""
        starts, goals = self.problem.encode(batch["frames"]).chunk(2)
        return self.problem.loss(self.problem.distance(starts, goals), batch["targets"])

    def figures(self) -> dict[str, float]:
        """``planned`` pairs, and the share of them that was ``dropped``."""
        planned, dropped = self.tally.tolist()
        return {"planned": float(planned), "dropped": dropped / max(planned, 1)}

    def estimate(self, latents: torch.Tensor, vertices: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """D between (K,) vertices and (K,) goals by latents (V, D) of all vertices: (K,) float32."""
        with torch.inference_mode():
            return self.problem.distance(latents[vertices], latents[goals]).cpu().numpy()

    def _plan_more(self, rng: np.random.Generator) -> None:
        learn, missing = self.problem.learn, self.config.plans
        for _ in range(_TRIES):
            starts, goals = learn[rng.integers(len(learn), size=(2, missing))]
            plans = self.plan(starts, goals, rng)
            kept = np.flatnonzero(plans.kept)
            self._keep(np.stack([starts, goals, plans.ends], 1)[kept], plans.lengths[kept])
            self.tally += torch.tensor([missing, missing - len(kept)], device=self.tally.device)
            missing -= len(kept)
            if not missing:
                return
        if not self._count:
            raise GraphError(
                f"no plan was found for any of {int(self.tally[0])} pairs of vertices; build the graph with "
                "bridge=True, or allow the search more expansions"
            )

    def _keep(self, vertices: np.ndarray, lengths: np.ndarray) -> None:
        """Add plans (B, 3) and (B,) in place of the oldest."""
        capacity = self.config.capacity
        vertices, lengths = vertices[-capacity:], lengths[-capacity:]
        slots = torch.as_tensor((int(self._count) + np.arange(len(lengths))) % capacity, device=self._vertices.device)
        self._vertices[slots] = torch.as_tensor(vertices, device=slots.device)
        self._lengths[slots] = torch.as_tensor(lengths, dtype=torch.float32, device=slots.device)
        self._count += len(lengths)
