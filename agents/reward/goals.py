"""Goals to explore with: those that are farthest from everything seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConfigError
from .agent_distance import AgentDistance


def farthest_goals(agent: Any, candidates: np.ndarray, seen: np.ndarray, num_goals: int = 1) -> np.ndarray:
    """Candidates that are farthest from everything seen, each counted as seen once it is chosen.

    Greedy farthest-point choice: with a metric, it covers the candidates within twice the least possible radius
    (Gonzalez 1985).

    Args:
        agent: Any fitted agent with latents.
        candidates: (N, ...) observations to choose from.
        seen: (M, ...) observations; with none, the first choice is the first candidate.
        num_goals: How many, at most N.

    Returns:
        (num_goals,) int64 rows of ``candidates``, the farthest first; ties go to the first row.

    Raises:
        ConfigError: for more goals than candidates, or an agent without latents.
    """
    measure = AgentDistance(agent)
    if not measure.has_latents:
        raise ConfigError(f"agent {measure.name!r} has no latents to compare; use one that embeds, such as 'plan2vec'")
    if not 1 <= num_goals <= len(candidates):
        raise ConfigError(f"num_goals {num_goals}: there are {len(candidates)} candidates; need 1 to {len(candidates)}")
    codes = measure.encode(candidates)
    gap = np.full(len(codes), np.inf)
    for code in measure.encode(seen) if len(seen) else ():
        gap = np.minimum(gap, measure.between(np.repeat(code[None], len(codes), 0), codes))
    chosen = []
    for _ in range(num_goals):
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, measure.between(np.repeat(codes[chosen[-1:]], len(codes), 0), codes))
        gap[chosen] = -1  # a duplicate of it may follow, it itself may not
    return np.array(chosen)
