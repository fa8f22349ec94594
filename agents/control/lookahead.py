"""Cost-to-go of states that a forward model imagines, by the paths of nearby vertices.

And whether recorded moves support an imagined one: a model that never saw a wall goes through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch

from data_collection.errors import check_name

from ..errors import ConfigError
from ..training.saving import Arrays

_AROUND = 64  # recorded moves that an imagined one is compared with
_SURE = 0.05  # steps; a smaller usual gap is rounding


@dataclass(frozen=True)
class LookaheadConfig:
    """Where the cost to go comes from, and how far it is trusted."""

    distance_source: Literal["paths", "metric"] = "paths"
    """"paths": shortest paths on the graph, one search per goal and look-ups from then on; "metric": D of the vertices'
    latents, no search at all"""
    nearest: int = 20
    """vertices around the present state that an imagined state may go on from"""
    off_graph_weight: float = 2.0
    """cost of a step outside the graph, to a vertex or straight to the goal: nothing was recorded there"""
    goal_radius: float = 2.5
    """steps; an imagined state this near the goal may go straight there"""
    support: float = 0.0
    """penalty (steps) per unit by which an imagined move exceeds the 95 % gap to recorded moves (``RecordedMoves``).
    30 stops plans through walls that the data never touches; paths of vertices around and the straight one are then
    bounded by ``consistency_bound``. 0: off"""
    moves: int = 20_000
    """of ``support``: recorded moves that are kept for it"""

    def __post_init__(self) -> None:
        check_name("distance source", self.distance_source, ("paths", "metric"))
        if not self.support >= 0:
            raise ConfigError(f"support is {self.support}; need at least 0, which is off, such as 30 steps")
        if self.moves < 2:
            raise ConfigError(f"moves is {self.moves}; some are kept and some tell what is usual, so need at least 2")


def cost_to_go(
    config: LookaheadConfig,
    imagined: torch.Tensor,
    vertices: torch.Tensor,
    paths: torch.Tensor,
    goal: torch.Tensor,
    beyond: torch.Tensor | None = None,
) -> torch.Tensor:
    """Steps to the goal from each imagined state: to a vertex and on from there, or straight.

    Args:
        config: What steps outside the graph cost.
        imagined: (B, K, Q) local latents after each of K actions.
        vertices: (B, M, Q) local latents of the vertices around.
        paths: (B, M) steps from each of them to the goal.
        goal: (B, Q) local latents of the goals.
        beyond: (B,) steps that the straight line to the goal is known to be too short by; none by default.

    Returns:
        (B, K).
    """
    by_vertex = (config.off_graph_weight * torch.cdist(imagined, vertices) + paths[:, None]).amin(2)
    straight = torch.cdist(imagined, goal[:, None])[..., 0]
    weight = config.off_graph_weight
    directly = weight * straight if beyond is None else weight * straight + beyond[:, None]
    return torch.where(straight <= config.goal_radius, torch.minimum(by_vertex, directly), by_vertex)


def consistency_bound(paths: np.ndarray, present: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Path lengths of vertices around, where being at one saves no more of the path than it is far away.

    Behind a thin wall a vertex may be near whose path is much shorter; were it no farther than it looks, the graph
    would have led there.

    Args:
        paths: (B, M) steps from vertices to the goal.
        present: (B,) the same of the vertex that the present state is taken for.
        gaps: (B, M) d between that vertex and the others, in steps.

    Returns:
        (B, M).
    """
    return np.maximum(paths, present[:, None] - gaps)


def nearest_vertices(latents: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` vertices nearest to each of (B, Q) local latents among (V, Q): (B, count) int64, in any order."""
    gaps = torch.cdist(torch.as_tensor(keys), torch.as_tensor(latents))
    return gaps.topk(min(count, len(latents)), largest=False, sorted=False).indices.numpy()


@dataclass(frozen=True, eq=False)
class RecordedMoves:
    """Moves that were recorded, and how far from the nearest of them an imagined one usually is.

    The gap from a move z -> z' to a recorded one x -> x' is the larger of |z - x| and |z' - x'|. Both ends count:
    behind a thin wall are places enough, but nobody got there from here.
    """

    before: np.ndarray
    """(S, Q) float32 local latents from which they led, ..."""
    after: np.ndarray
    """(S, Q) ... and to which"""
    usual: float
    """steps; of 19 in 20 recorded moves that are not among these, as the model imagines them, the gap is smaller"""

    @classmethod
    def gather(
        cls,
        before: np.ndarray,
        after: np.ndarray,
        imagined: np.ndarray,
        held_out: np.ndarray,
        count: int,
        rng: np.random.Generator,
    ) -> Self:
        """Keep some moves, and measure the usual gap on others.

        Args:
            before: (M, Q) float32 local latents.
            after: (M, Q) float32.
            imagined: (M, Q) float32, where the forward model imagines the recorded actions to lead.
            held_out: (M,) bool, moves of trajectories that no model learned from; if there are none, every fourth one.
            count: kept at most; of the others so many at most are measured.
            rng: draws them.
        """
        if not held_out.any():
            held_out = np.arange(len(before)) % 4 == 3
        kept, measured = (_some(np.flatnonzero(rows), count, rng) for rows in (~held_out, held_out))
        if not len(measured):
            measured = kept
        moves = cls(before[kept], after[kept], 0.0)
        gaps = [
            moves.gaps(torch.as_tensor(before[rows]), torch.as_tensor(imagined[rows])[:, None])
            for rows in np.array_split(measured, -(-len(measured) // 256))
        ]
        return cls(moves.before, moves.after, float(np.quantile(torch.cat(gaps).numpy(), 0.95)))

    def gaps(self, here: torch.Tensor, imagined: torch.Tensor) -> torch.Tensor:
        """From (B, Q) to (B, K, Q) local latents: gap to the nearest recorded move, (B, K) steps."""
        # By differences: by products, small gaps of large coordinates drown in rounding.
        exactly = "donot_use_mm_for_euclid_dist"
        starts = torch.cdist(here, torch.as_tensor(self.before), compute_mode=exactly)
        offsets, rows = starts.topk(min(_AROUND, len(self.before)), largest=False, sorted=False)
        ends = torch.cdist(imagined, torch.as_tensor(self.after)[rows], compute_mode=exactly)
        return torch.maximum(offsets[:, None], ends).amin(2)

    def costs(self, support: float, here: torch.Tensor, imagined: torch.Tensor) -> torch.Tensor:
        """Steps to add to moves from (B, Q) to (B, K, Q) latents: ``support`` for each usual gap beyond the first."""
        return support * (self.gaps(here, imagined) / max(self.usual, _SURE) - 1).clamp(min=0)

    def arrays(self) -> Arrays:
        """Everything, as arrays."""
        return {"moves_before": self.before, "moves_after": self.after, "moves_usual": np.array([self.usual])}

    @classmethod
    def split(cls, arrays: Arrays) -> tuple[Self | None, Arrays]:
        """The moves among these arrays, None where an agent was saved without, and all other arrays."""
        others = {name: array for name, array in arrays.items() if not name.startswith("moves_")}
        if len(others) == len(arrays):
            return None, others
        return cls(arrays["moves_before"], arrays["moves_after"], float(arrays["moves_usual"][0])), others


def _some(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= count else np.sort(rng.choice(rows, count, replace=False))
