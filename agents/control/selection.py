"""Which control to act by, chosen on trajectories that no model learned from; no environment is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy

from data_collection import Dataset

from ..errors import ConfigError
from ..graphs.transitions import moving_transitions

_MOVES = 1000  # whose actions are guessed
_ROWS = 2000  # held-out observations from which goals and starts are drawn
_AT_ONCE = 64  # probes
_SURE = 2.0  # standard errors by which the better gain has to lead


@dataclass(frozen=True)
class SelectionConfig:
    """How controls are compared."""

    probes: int = 256
    """pairs of a held-out observation and a goal, at most"""
    goals: int = 32
    """different goals among them; each costs a search on the graph"""
    least: float = 5.0
    """steps of D from an observation to its goal, at least ..."""
    most: float = 30.0
    """... and at most"""
    nearest: int = 16
    """held-out moves that start nearest to an observation; the one is followed whose action is most like the one that a
    control proposes"""

    def __post_init__(self) -> None:
        if min(self.probes, self.goals, self.nearest) < 1:
            raise ConfigError(
                f"probes={self.probes}, goals={self.goals} and nearest={self.nearest} were asked for; need at least 1"
            )
        if not 0 <= self.least < self.most:
            raise ConfigError(f"goals {self.least} to {self.most} steps away were asked for; need 0 <= least < most")

    def memory_need(self, size: Any) -> int:
        """Bytes: a copy of the held-out observations and their latents."""
        return size.rows // 10 * (size.row_bytes + 8 * size.latents) + self.goals * size.vertices * 12


class Probes(NamedTuple):
    """Rows of held-out observations, and of goals some steps from them."""

    starts: np.ndarray
    """(P,) int64"""
    goals: np.ndarray
    """(P,) int64"""


class Scores(NamedTuple):
    """What one control would have done."""

    errors: np.ndarray
    """(M,) of its actions between observations that were recorded one after the other; see ``action_gaps``"""
    gains: np.ndarray
    """(P,) steps of the graph's way to each probe's goal that the recorded action most like its own saved"""


def draw_probes(
    config: SelectionConfig, rows: np.ndarray, steps: Callable[[np.ndarray, int], np.ndarray], rng: np.random.Generator
) -> Probes:
    """Pairs that lie some steps apart.

    Args:
        config: How many and how far.
        rows: (R,) held-out rows to draw from.
        steps: D of (R,) rows to one goal row, (R,).
        rng: draws goals, and for each as many starts.

    Returns:
        At most ``config.probes`` pairs; none if no row is so far from another.
    """
    each = -(-config.probes // config.goals)
    starts, goals = [], []
    for goal in rng.permutation(rows)[: config.goals]:
        away = steps(rows, int(goal))
        fit = rows[(away >= config.least) & (away <= config.most)]
        chosen = rng.choice(fit, min(each, len(fit)), replace=False)
        starts.append(chosen)
        goals.append(np.full(len(chosen), goal))
    return Probes(*(np.concatenate(part).astype(np.int64)[: config.probes] for part in (starts, goals)))


def action_gaps(proposed: np.ndarray, recorded: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """How unlike actions are: (..., A) and (..., A), or (...) of discrete ones -> (...).

    Args:
        proposed: By a control.
        recorded: What was done.
        scale: (A,) standard deviation of recorded actions, the unit of each entry; None for discrete actions, which
            are the same (0) or not (1).
    """
    if scale is None:
        return (proposed != recorded).astype(np.float64)
    return np.sqrt(np.square((proposed - recorded) / scale).mean(-1))


class HeldOutMoves:
    """Recorded moves by which it is told what an action would have led to."""

    def __init__(self, before: np.ndarray, actions: np.ndarray, nearest: int) -> None:
        """Of (M, Q) local latents, and (M,) or (M, A) actions taken there."""
        self.tree, self.actions = scipy.spatial.cKDTree(before), actions
        self.nearest = min(nearest, len(before))
        discrete = not np.issubdtype(actions.dtype, np.floating)
        # An entry that never varied has no unit of its own.
        self.scale = None if discrete else np.where(actions.std(0) > 1e-6, actions.std(0), 1)

    def like(self, here: np.ndarray, proposed: np.ndarray) -> np.ndarray:
        """(P,) the move near (P, Q) local latents whose action is most like the proposed one; of equals the nearest."""
        around = self.tree.query(here, np.arange(1, self.nearest + 1))[1]
        gaps = action_gaps(proposed[:, None], self.actions[around], self.scale)
        return around[np.arange(len(around)), gaps.argmin(1)]


def choose(scores: Mapping[str, Scores]) -> tuple[str, dict[str, float]]:
    """The control that gains more; where the gains of two do not differ for sure, the one of smaller action error.

    An action that is unlike the recorded one may be as good, so that errors alone would favour whoever imitates; but
    gains are noisy, and may be of no probe at all.

    Args:
        scores: Of two controls by name, on the same moves and probes.

    Returns:
        Its name, and the figures: ``<name>_error`` and ``<name>_gain`` (means; nan without probes), and ``probes``.
    """
    first, second = scores
    # A graph without bridges may know no way.
    known = np.isfinite([score.gains for score in scores.values()]).all(0)
    scores = {name: Scores(score.errors, score.gains[known]) for name, score in scores.items()}
    figures = {"probes": float(len(scores[first].gains))}
    for name, score in scores.items():
        figures[f"{name}_error"] = float(score.errors.mean())
        figures[f"{name}_gain"] = float(score.gains.mean()) if len(score.gains) else float("nan")
    ahead = scores[first].gains - scores[second].gains
    if len(ahead) > 1 and abs(ahead.mean()) > _SURE * ahead.std(ddof=1) / np.sqrt(len(ahead)):
        return (first if ahead.mean() > 0 else second), figures
    return (first if figures[f"{first}_error"] <= figures[f"{second}_error"] else second), figures


def compare(
    config: SelectionConfig, agent: Any, controls: tuple[str, str], held_out: Dataset, rng: np.random.Generator
) -> tuple[str, dict[str, float]]:
    """Choose between two controls by what they would have done in trajectories that no model learned from.

    Args:
        config: How they are compared.
        agent: With the methods ``propose``, ``guess`` and ``steps_left`` of ``Plan2VecWaypoints``.
        controls: Their names.
        held_out: Trajectories with actions.
        rng: draws moves and probes.

    Returns:
        As of ``choose``.
    """
    assert held_out.actions is not None
    actions, observations = held_out.actions, held_out.observations
    latents = agent.local_metric.embed(observations)
    before, after = held_out.transitions.T
    moves = HeldOutMoves(latents[before], actions, config.nearest)
    # The action of transition m leads from its row, and there is a row more for each trajectory before.
    moving = moving_transitions(held_out)[:, 0]
    moving = rng.choice(moving, min(_MOVES, len(moving)), replace=False)
    done = actions[np.searchsorted(before, moving)]
    rows = rng.permutation(len(observations))[:_ROWS]
    probes = draw_probes(config, rows, lambda rows, goal: _steps(agent, observations, rows, goal), rng)
    scores = {}
    for control in controls:
        guessed = agent.guess(control, observations[moving], observations[moving + 1])
        gains = np.zeros(len(probes.starts))
        for i in range(0, len(gains), _AT_ONCE):
            start, goals = probes.starts[i : i + _AT_ONCE], observations[probes.goals[i : i + _AT_ONCE]]
            move = moves.like(latents[start], agent.propose(control, observations[start], goals))
            left = [agent.steps_left(latents[side[move]], goals) for side in (before, after)]
            gains[i : i + _AT_ONCE] = left[0] - left[1]
        scores[control] = Scores(action_gaps(guessed, done, moves.scale), gains)
    return choose(scores)


def _steps(agent: Any, observations: np.ndarray, rows: np.ndarray, goal: int) -> np.ndarray:
    return agent.distance(observations[rows], np.repeat(observations[[goal]], len(rows), 0))
