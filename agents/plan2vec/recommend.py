"""Which agent, with which settings, for a dataset nobody has seen before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data_collection import Dataset

from ..base.registry import get_agent
from .agent import Plan2VecConfig
from .presets import FEATURELESS_ROPE, STATES, VECTORS

_LONG = 50
"""Steps of a trajectory on average, from which waypoints are better: one action is then a small part of the way."""
_MANY = 100_000
"""Transitions above which vertices have to be spread over the data."""


@dataclass(frozen=True)
class Recommendation:
    """An agent and its configuration."""

    agent: str
    """registered name"""
    config: Any
    """of that agent"""
    why: str
    """one sentence for the user"""

    def new_agent(self) -> Any:
        """The agent, not fitted."""
        return get_agent(self.agent)(self.config)


def recommend(dataset: Dataset) -> Recommendation:
    """Choose by what the data looks like: images or vectors, long trajectories or short ones, much or little.

    The rules are those under which the presets were measured; the choice looks at no environment and learns nothing.
    """
    length = dataset.num_transitions / dataset.num_episodes
    long, many = length >= _LONG, dataset.num_transitions > _MANY
    if not (long or many):
        why = f"trajectories of {length:.0f} steps on average: a network embeds observations, and actions are looked up"
        return Recommendation("plan2vec", Plan2VecConfig() if dataset.is_image else STATES, why)
    reason = f"trajectories of {length:.0f} steps" if long else f"{dataset.num_transitions:,} transitions"
    if dataset.is_image:
        why = f"images and {reason} on average: every frame is remembered, and actions are chosen by what lies ahead"
        return Recommendation("plan2vec-waypoints", FEATURELESS_ROPE, why)
    why = f"vectors and {reason}: vertices are spread over the data, and actions lead to waypoints on a ring"
    return Recommendation("plan2vec-waypoints", VECTORS, why)
