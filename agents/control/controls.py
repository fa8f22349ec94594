"""From a distance to an action where one action is a small part of the path: by waypoints, or one action ahead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch

from data_collection.errors import check_name

from ..errors import ConfigError
from ..training.saving import Arrays
from .forward_model import ForwardModel, ForwardModelConfig
from .inverse_model import InverseModelConfig
from .lookahead import LookaheadConfig, RecordedMoves
from .selection import SelectionConfig

CONTROLS = ("inverse", "forward")


@dataclass(frozen=True)
class Hops:
    """The waypoint lies some edges down D from the vertex of the present observation."""

    kind: ClassVar[str] = "hops"
    hops: int = 3
    """edges"""

    def __post_init__(self) -> None:
        if self.hops < 1:
            raise ConfigError(f"hops is {self.hops}; the waypoint is at least 1 edge away")


@dataclass(frozen=True)
class Ring:
    """The waypoint is the vertex nearest to the goal of those half a ring to a ring away.

    Of all vertices without exception "stay" would often win.
    """

    kind: ClassVar[str] = "ring"
    ring: float = 10.0
    """steps, and at least the threshold of the graph; a goal this near is a waypoint itself"""
    distance_source: Literal["paths", "metric"] = "paths"
    """where the distance from a waypoint to the goal comes from, as of ``LookaheadConfig``"""

    def __post_init__(self) -> None:
        check_name("distance source", self.distance_source, ("paths", "metric"))


@dataclass(frozen=True)
class InverseControl:
    """The action that the inverse model takes towards a waypoint."""

    kind: ClassVar[str] = "inverse"
    inverse_model: InverseModelConfig = field(default_factory=InverseModelConfig)
    """which action leads towards a waypoint"""
    waypoint: Hops | Ring = field(default_factory=Hops)
    """which vertex is the waypoint"""


@dataclass(frozen=True)
class ForwardControl:
    """The action after which the forward model of local latents sees the shortest path to the goal."""

    kind: ClassVar[str] = "forward"
    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    """where the local latent goes for each action"""
    lookahead: LookaheadConfig = field(default_factory=LookaheadConfig)
    """how far it is to the goal from there"""

    def memory_need(self, size: Any) -> int:
        """Bytes that learning the model takes: that of local latents."""
        return self.forward_model.memory_need(size)


@dataclass(frozen=True)
class AutoControl:
    """Whichever of the two does better on held-out trajectories."""

    kind: ClassVar[str] = "auto"
    inverse: InverseControl = field(default_factory=InverseControl)
    """the one ..."""
    forward: ForwardControl = field(default_factory=ForwardControl)
    """... and the other"""
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    """how they are compared"""


@dataclass(eq=False)
class ForwardPart:
    """The forward model of local latents, and the recorded moves that support an imagined one."""

    model: ForwardModel
    moves: RecordedMoves | None

    @classmethod
    def fit(cls, run: Any, config: ForwardControl, local: Any) -> tuple[Self, dict[str, float]]:
        """Learn the model from all recorded transitions; keep some moves if they are wanted."""
        dataset, lookahead = run.dataset, config.lookahead
        latents, steps = local.embed(dataset.observations), dataset.transitions
        unseen = run.unseen(steps[:, 0])
        model, figures = ForwardModel.fit(config.forward_model, latents, dataset, unseen, run.training)
        if not lookahead.support:
            return cls(model, None), figures
        before, after = (latents[side] for side in steps.T)
        imagined = before + model.displacements(before, dataset.actions, run.device)
        rng = run.training.rng("forward-moves", 0)
        moves = RecordedMoves.gather(before, after, imagined, unseen, lookahead.moves, rng)
        return cls(model, moves), {**figures, "usual_gap": moves.usual}

    def arrays(self) -> Arrays:
        """Everything learned, as arrays."""
        return self.model.arrays() | (self.moves.arrays() if self.moves is not None else {})

    @classmethod
    def restore(cls, config: ForwardControl, device: torch.device, arrays: Arrays) -> Self:
        """The part that ``arrays`` came from.

        Raises:
            CheckpointError: if they do not fit the configuration.
        """
        moves, weights = RecordedMoves.split(arrays)
        return cls(ForwardModel.restore(config.forward_model, device, weights), moves)


@dataclass(frozen=True)
class ChosenControl:
    """Which control was chosen."""

    name: str

    def arrays(self) -> Arrays:
        """Its number."""
        return {"chosen": np.array([CONTROLS.index(self.name)])}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The control of that number."""
        return cls(CONTROLS[int(arrays["chosen"][0])])
