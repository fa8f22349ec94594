"""Which found edges to trust. A false one, a wormhole, is what every shortest path looks for.

Each control looks at one thing; all of them drop edges that the local metric found and never recorded ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from ..errors import ConfigError
from .lengths import lengths_of

_AT_ONCE = 100_000  # edges


@dataclass(frozen=True)
class PruningConfig:
    """What a found edge has to pass; 0 turns a control off."""

    mutual: int = 0
    """both ends are among so many nearest vertices of the other"""
    agreement: float = 0.0
    """no network of the ensemble finds the ends farther apart than so many thresholds; needs ``local_metric.members``
    above 1"""
    support: float = 0.0
    """some third vertex lies within so many lengths of the edge of its middle: where the way between is possible,
    somebody has been there"""
    consistent: int = 0
    """vertices recorded up to so many steps before or after one end are not farther from the other end than the sum
    of both ways, by more than ``slack``: d keeps Eq. 3 around the edge"""
    slack: float = 0.0
    """steps, of ``consistent``"""
    penalty: float = 0.0
    """an edge of length d weighs d (1 + penalty (d / threshold)^2): long ones are taken where they save much"""

    def __post_init__(self) -> None:
        for name in ("mutual", "agreement", "support", "consistent", "slack", "penalty"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"pruning.{name} is {getattr(self, name)}; need at least 0, which is off")


def trusted_edges(
    config: PruningConfig, pairs: np.ndarray, latents: np.ndarray, recorded: np.ndarray, threshold: float, members: int
) -> np.ndarray:
    """Which of the found edges pass all controls that are on.

    Args:
        config: The controls.
        pairs: (E, 2) vertices that the local metric found near.
        latents: (V, M * D) local latents, those of each of M members side by side; their Euclidean distance is d.
        recorded: (R, 2) vertices that were recorded one after the other.
        threshold: Neighbour threshold, in steps.
        members: M, networks of the ensemble.

    Returns:
        (E,) bool.

    Raises:
        ConfigError: if members are asked to agree and there is one.
    """
    keep = np.ones(len(pairs), bool)
    if not len(pairs):
        return keep
    if config.mutual:
        keep &= mutually_near(latents, pairs, config.mutual)
    if config.agreement:
        if members < 2:
            raise ConfigError("agreement of one network with itself says nothing; set local_metric.members to 2 or 4")
        keep &= member_distances(latents, pairs, members).max(1) <= config.agreement * threshold
    if config.support:
        keep[keep] = supported(latents, pairs[keep], config.support)
    if config.consistent:
        keep[keep] = consistent(latents, pairs[keep], recorded, config.consistent, config.slack)
    return keep


def edge_weights(config: PruningConfig, lengths: np.ndarray, threshold: float) -> np.ndarray:
    """Weights of found edges of these lengths, (E,) -> (E,)."""
    return lengths * (1 + config.penalty * np.square(lengths / threshold))


def mutually_near(latents: np.ndarray, pairs: np.ndarray, count: int) -> np.ndarray:
    """(E,) bool: neither end has ``count`` vertices nearer than the other end is."""
    count = min(count, len(latents) - 1)
    reach = scipy.spatial.cKDTree(latents).query(latents, [count + 1])[0][:, 0]  # the vertex itself is the nearest
    return lengths_of(latents, pairs) <= np.minimum(reach[pairs[:, 0]], reach[pairs[:, 1]]) * (1 + 1e-6)


def member_distances(latents: np.ndarray, pairs: np.ndarray, members: int) -> np.ndarray:
    """(E, M): what each member alone holds d to be."""
    parts = latents.reshape(len(latents), members, -1).swapaxes(0, 1)
    # d is the root mean square over members.
    return np.stack([lengths_of(part, pairs) for part in parts], 1) * members**0.5


def supported(latents: np.ndarray, pairs: np.ndarray, reach: float) -> np.ndarray:
    """(E,) bool: some vertex, not one of the ends, lies within ``reach`` lengths of the edge of its middle.

    A reach of 1/2 would accept the ends, so they never count.
    """
    tree = scipy.spatial.cKDTree(latents)
    found = np.zeros(len(pairs), bool)
    for i in range(0, len(pairs), _AT_ONCE):
        part = pairs[i : i + _AT_ONCE]
        middle = (latents[part[:, 0]] + latents[part[:, 1]]) / 2
        gaps, rows = tree.query(middle, k=min(3, len(latents)))
        gaps = np.where((rows == part[:, :1]) | (rows == part[:, 1:]), np.inf, gaps)
        found[i : i + _AT_ONCE] = gaps.min(1) <= reach * lengths_of(latents, part)
    return found


def consistent(latents: np.ndarray, pairs: np.ndarray, recorded: np.ndarray, steps: int, slack: float) -> np.ndarray:
    """(E,) bool: from vertices recorded n steps from one end, the other end is within n + d + slack, for n <= steps.

    Args:
        latents: (V, D).
        pairs: (E, 2).
        recorded: (R, 2) vertices recorded one after the other; each vertex has one before it and one after it at most.
        steps: n at most.
        slack: steps.
    """
    after = np.full(len(latents), -1)
    after[recorded[:, 0]] = recorded[:, 1]
    before = np.full(len(latents), -1)
    before[recorded[:, 1]] = recorded[:, 0]
    keep = np.ones(len(pairs), bool)
    lengths = lengths_of(latents, pairs)
    for following in (after, before):
        for near, far in ((0, 1), (1, 0)):
            at = pairs[:, near].copy()
            for count in range(1, steps + 1):
                at = np.where(at >= 0, following[at], -1)
                there = at >= 0
                gap = lengths_of(latents, np.stack([at[there], pairs[there, far]], 1))
                keep[there] &= gap <= count + lengths[there] + slack
    return keep
