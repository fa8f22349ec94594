"""Planners under a budget: pure functions of a graph and a heuristic that run many plans in lockstep."""

from .bidirectional import bidirectional
from .lookahead import Lookahead, best_of
from .ordered import a_star, best_first, dijkstra
from .records import Heuristic, PlanBatch, SearchBudget
from .walks import greedy_walk, lookahead_walk

__all__ = [
    "Heuristic",
    "Lookahead",
    "PlanBatch",
    "SearchBudget",
    "a_star",
    "best_first",
    "best_of",
    "bidirectional",
    "dijkstra",
    "greedy_walk",
    "lookahead_walk",
]
