"""Algorithm 1 as printed: sample single pairs, search for each on the graph, regress D towards the path's length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch

from data_collection.errors import check_name

from ...errors import ConfigError
from ...graphs.search import SearchBudget, a_star, dijkstra, greedy_walk
from .material import DistillationProblem
from .replay import Plans, Replay, ReplayConfig


@dataclass(frozen=True)
class AmortizedSearchConfig(ReplayConfig):
    """The search for a plan of each pair."""

    kind: ClassVar[str] = "amortized_search"
    plans: int = 64
    """pairs planned for at a time; a search costs more than a walk"""
    search: Literal["dijkstra", "a_star", "greedy"] = "dijkstra"
    """line 4 of Algorithm 1: "dijkstra": exact; "a_star": with D as its heuristic; "greedy": a walk to the neighbour of
    least D, dropped where it goes in a circle"""
    refresh: int = 10
    """gradient steps between two looks at all vertices, whose latents the heuristic D is computed from"""
    max_expansions: int | None = 10_000
    """a search that needs more is dropped"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name("search", self.search, ("dijkstra", "a_star", "greedy"))
        if self.refresh < 1:
            raise ConfigError(f"refresh is {self.refresh}, need at least 1 gradient step")

    def start(self, problem: DistillationProblem, sources: np.ndarray, targets: np.ndarray) -> AmortizedSearch:
        """What is trained; it finds its targets itself."""
        return AmortizedSearch(self, problem)


class AmortizedSearch(Replay):
    """Regress D(x_s, x_g) towards the length of a plan from s to g.

    A search is dear: Dijkstra expands half of the graph for a pair. Many pairs are searched for in lockstep, and the
    lengths are kept and learned from many times, as the released code does. A learned D overestimates here and there,
    so A* with it may return detours, whose lengths D then learns; a greedy walk learns only from pairs that it can
    already walk, at whatever length it walked.
    """

    _expanded: torch.Tensor

    def __init__(self, config: AmortizedSearchConfig, problem: DistillationProblem) -> None:
        super().__init__(config, problem)
        self.options = config
        self.budget = SearchBudget(max_expansions=config.max_expansions)
        self.register_buffer("_expanded", torch.zeros((), dtype=torch.int64))

    def begin_step(self, step: int) -> None:
        """Look at all vertices again."""
        if step % self.options.refresh == 0 and self.options.search != "dijkstra":
            self.latents = self.problem.embed_vertices()

    def plan(self, starts: np.ndarray, goals: np.ndarray, rng: np.random.Generator) -> Plans:
        """Ways that reach the goal, with their lengths."""

        def heuristic(vertices: np.ndarray, ends: np.ndarray) -> np.ndarray:
            return self.estimate(self.latents, vertices, ends)

        graph = self.problem.graph
        if self.options.search == "dijkstra":
            found = dijkstra(graph, starts, goals, self.budget)
        elif self.options.search == "a_star":
            found = a_star(graph, starts, goals, heuristic, self.budget)
        else:
            found = greedy_walk(graph, starts, goals, heuristic, self.budget)
        self._expanded += int(found.expanded.sum())
        return Plans(goals, found.cost.astype(np.float32), found.success)

    def figures(self) -> dict[str, float]:
        """Those of the replay, and the vertices ``expanded`` a pair."""
        return {**super().figures(), "expanded": int(self._expanded) / max(int(self.tally[0]), 1)}
