"""What can be asked of an agent: evaluation and adapters look for these, and for no class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from ..control.action_memory import ActionMemory
    from ..graphs.graph import Graph
    from ..graphs.shortest_paths import Plan


@runtime_checkable
class Metric(Protocol):
    """A distance between latents: no observation has to be embedded twice."""

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents of (B, ...) observations: (B, D) float32; (D,) for a single one."""
        ...

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """D between matching latents, (..., D) and (..., D) -> (...) float32, in steps."""
        ...


@runtime_checkable
class Planner(Protocol):
    """A graph over recorded observations, and paths on it."""

    @property
    def graph(self) -> Graph:
        """The graph; its vertices are ``vertex_rows`` of the training dataset."""
        ...

    @property
    def vertex_rows(self) -> np.ndarray:
        """(V,) int64, the row of the training dataset behind each vertex."""
        ...

    def plan(self, observation: np.ndarray, goal: np.ndarray) -> Plan:
        """The shortest path between the vertices nearest to two single observations."""
        ...


@runtime_checkable
class Actor(Protocol):
    """Acts towards a goal observation. Batched in, batched out; a single observation in, a single action out."""

    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: Any = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Actions towards the goals: (B, ...) -> (B,) int64 or (B, A) float32."""
        ...

    def new_memory(self, num_episodes: int = 1) -> ActionMemory | None:
        """An empty memory for parallel episodes; None if the agent has no use for one."""
        ...
