"""How large the world of recorded ropes is beside one step in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope.shape import LINK, NODES, TETHER


def straight() -> np.ndarray:
    """The rope hanging straight down: (22, 2) float64 pixels, a fresh array."""
    return np.array(TETHER) + LINK * np.arange(NODES)[:, None] * np.array([0.0, 1.0])


@dataclass(frozen=True)
class RopeScale:
    """Displacements in pixels, of the node displaced most unless said otherwise.

    A rope that is dragged too little, or crumples and never comes back, shows here: pairs far apart, steps short, and
    for most frames another sequence that passes nearby.
    """

    pair: float
    """Median between two random frames."""
    pair_mean_node: float
    """The same, mean over the nodes."""
    step: tuple[float, float]
    """Median and 95 % of one recorded step."""
    closure: tuple[float, float, float]
    """Quartiles from a frame to the nearest frame of another sequence."""

    def __str__(self) -> str:
        """One line."""
        low, middle, high = self.closure
        return (
            f"random pair {self.pair:.1f} px (mean node {self.pair_mean_node:.1f}); one step {self.step[0]:.2f}, "
            f"95 % below {self.step[1]:.2f}; nearest frame of another sequence {low:.2f} / {middle:.2f} / {high:.2f}"
        )


def measure_scale(
    nodes: np.ndarray, sequence_ids: np.ndarray, *, rng: np.random.Generator, num_frames: int = 500
) -> RopeScale:
    """Measure recorded sequences.

    Args:
        nodes: (N, K, 2) pixels, the frames of a sequence together and in order.
        sequence_ids: (N,) which sequence each belongs to; at least two.
        rng: draws pairs and frames.
        num_frames: of which the nearest frame is looked for.
    """
    nodes = np.asarray(nodes, np.float64)
    together = sequence_ids[1:] == sequence_ids[:-1]
    steps = node_displacement(nodes[1:], nodes[:-1])[together]
    left, right = rng.integers(len(nodes), size=(2, 20_000))
    nearest = []
    for row in rng.choice(len(nodes), min(num_frames, len(nodes)), replace=False):
        nearest.append(node_displacement(nodes[sequence_ids != sequence_ids[row]], nodes[row]).min())
    return RopeScale(
        pair=float(np.median(node_displacement(nodes[left], nodes[right]))),
        pair_mean_node=float(np.median(np.linalg.norm(nodes[left] - nodes[right], axis=-1).mean(-1))),
        step=(float(np.median(steps)), float(np.quantile(steps, 0.95))),
        closure=tuple(np.quantile(nearest, [0.25, 0.5, 0.75]).tolist()),
    )
