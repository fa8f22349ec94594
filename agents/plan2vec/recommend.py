"""Which agent, with which settings, for a dataset that was not seen before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from data_collection import Dataset

from ..base.registry import get_agent
from ..control.controls import ForwardControl
from ..control.forward_model import ForwardModelConfig
from ..control.lookahead import LookaheadConfig
from ..graphs.lengths import squared_lengths
from ..graphs.transitions import typical_step
from ..training.config_json import with_option
from .agent import Plan2VecConfig
from .presets import FEATURELESS_ROPE, STATES, VECTORS

_LONG = 50
"""Steps of an episode on average, from which waypoints are better: one action is then a small part of the path."""
_MANY = 100_000
"""Transitions above which vertices have to be spread over the data."""
_LOOKED_AT = 20_000
"""Transitions whose steps are looked at, spread evenly."""
_PAUSE, _JUMP, _SUPPORT = 0.25, 5.0, 30.0
"""Typical steps below which a step is a pause, and above which it is a jump; steps of penalty (see the options)."""
_TRIED, _EXPECTED, _MISSING, _DEPENDENT = 20_000, 5.0, 5, 0.05
"""Of walls that nobody touched: moves tried, recorded ones expected like each, how many have to be missing, and up to
what share may be, or actions depend on the state."""


@dataclass(frozen=True)
class Recommendation:
    """An agent and its configuration."""

    agent: str
    """registered name"""
    config: Any
    """of that agent"""
    why: str
    """what it was chosen by, for the user"""

    def new_agent(self) -> Any:
        """The agent, not fitted."""
        return get_agent(self.agent)(self.config)


def recommend(dataset: Dataset, *, remedies: bool = True) -> Recommendation:
    """Choose by what the data looks like: images or vectors, long episodes or short ones, much or little, how it moves.

    The rules are those under which the presets and options were measured (``plan2vec reproduce awkward`` for the
    remedies); the choice looks at no environment and learns nothing.

    Args:
        dataset: What is to be learned from.
        remedies: Whether options for pauses, jumps and walls that nobody touched are set where the data shows them.
    """
    length = dataset.num_transitions / dataset.num_episodes
    long, many = length >= _LONG, dataset.num_transitions > _MANY
    config: Any
    steps = f"episodes of {length:.0f} steps on average"
    if not (long or many):
        name, config = "plan2vec", Plan2VecConfig() if dataset.is_image else STATES
        acts = "actions are looked up" if dataset.actions is not None else "there are no actions, so it does not act"
        why = f"{steps}: a network embeds observations, and {acts}"
    elif dataset.is_image:
        name, config = "plan2vec-waypoints", FEATURELESS_ROPE
        why = f"images, {steps}: every frame is remembered, and actions are chosen by what lies ahead"
    else:
        name, config = "plan2vec-waypoints", VECTORS
        why = (
            f"vectors, {dataset.num_transitions:,} transitions: vertices are spread over the data, and actions lead to "
        )
        why += "waypoints on a ring"
    found = Recommendation(name, config, why)
    return _with_remedies(found, dataset) if remedies else found


def _with_remedies(found: Recommendation, dataset: Dataset) -> Recommendation:
    """The options for awkward recordings, each where the data shows what it is for."""
    every = max(1, dataset.num_transitions // _LOOKED_AT)
    lengths = np.sqrt(squared_lengths(dataset.observations, dataset.transitions[::every]))
    typical, config, reasons = typical_step(lengths), found.config, [found.why]
    pauses = float(((lengths > 0) & (lengths < _PAUSE * typical)).mean())
    if pauses > 0.5:
        config = with_option(config, "local_metric.pauses", _PAUSE)
        reasons.append(f"{pauses:.0%} of the steps hardly move, so they are taken for pauses")
    jumps = int((lengths > _JUMP * typical).sum())
    if jumps and not dataset.is_image and typical > 0:
        config = with_option(config, "graph.jumps", _JUMP)
        reasons.append(
            f"{jumps} of {len(lengths):,} steps looked at are longer than {_JUMP:g} typical ones: they are taken for "
            "jumps that do not always succeed; if they are resets, cut them with max_jump"
        )
    if found.config == VECTORS and dataset.actions is not None and _missing_moves(dataset, every, typical) >= _MISSING:
        lookahead = LookaheadConfig(support=_SUPPORT)
        config = replace(config, control=ForwardControl(ForwardModelConfig(), lookahead))
        reasons.append("states one move apart lie on two sides of something that nobody crossed or touched: moves that "
                       "were never made are avoided")  # fmt: skip
    return replace(found, config=config, why="; ".join(reasons))


def _missing_moves(dataset: Dataset, every: int, typical: float) -> int:
    """How many tried moves lead from recorded states to recorded states and yet were never made, nor attempted.

    Moves of some states are tried at others. One is missing where at least ``_EXPECTED`` recorded actions like its
    own would have been taken nearby, if actions did not depend on the state, and none was; and where no recorded
    move leads from here to there or back. Where actions do depend on the state, what is missing is no evidence, so
    none is. Near is half a typical step, and alike are actions within half a standard deviation.

    Args:
        dataset: Of vectors, with actions.
        every: Each how many transitions are looked at.
        typical: Length of a typical step.
    """
    before, after = (dataset.observations[side].astype(np.float64) for side in dataset.transitions[::every].T)
    assert dataset.actions is not None
    taken = np.asarray(dataset.actions[::every])
    taken = np.eye(dataset.num_actions)[taken] if dataset.num_actions is not None else taken.astype(np.float64)
    actions = taken / np.maximum(taken.std(0), 1e-9)
    rng, near = np.random.default_rng(0), typical / 2
    states, alike = scipy.spatial.cKDTree(before), scipy.spatial.cKDTree(actions)
    start, move = rng.integers(len(before), size=(2, _TRIED))
    here, there = before[start], before[start] + (after - before)[move]
    around = states.query_ball_point(here, near, return_length=True)
    usual = alike.query_ball_point(actions[move], 0.5, return_length=True) / len(actions)
    tried = np.flatnonzero((around * usual >= _EXPECTED) & (states.query(there)[0] < near))

    around_here = states.query_ball_point(here[tried], near)
    attempted = [
        np.linalg.norm(actions[rows] - actions[at], axis=1).min() < 0.5
        for rows, at in zip(around_here, move[tried], strict=True)
    ]
    missing = np.flatnonzero(~np.array(attempted, bool))
    if len(missing) > _DEPENDENT * len(tried):
        return 0

    def made(at: int) -> bool:
        start, end = here[tried[at]], there[tried[at]]
        back = states.query_ball_point(end, near)
        arrived = [np.linalg.norm(after[around_here[at]] - end, axis=1), np.linalg.norm(after[back] - start, axis=1)]
        return bool(np.concatenate(arrived).min() < near)

    return sum(not made(int(at)) for at in missing)
