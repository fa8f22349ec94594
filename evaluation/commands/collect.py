"""`plan2vec collect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from .context import Context, EngineOptions


@dataclass(frozen=True)
class Command(EngineOptions):
    """Collect random rollouts into the cache, and into a file with --out."""

    env: Annotated[str, tyro.conf.Positional] = "Plan2vec/CMaze-v0"
    """environment id; `plan2vec envs` lists them"""
    size: str = "1000x10"
    """rollouts x steps"""
    rollouts: int | None = None
    """shorthand for --size {rollouts}x10"""
    seed: int = 0
    """seed of the collection"""
    obs_type: Literal["image", "state"] = "image"
    """what is observed"""
    hidden_walls: bool = False
    """leave some walls of FourRooms and HMaze out of the images; the agent collides with them all the same"""
    out: Path | None = None
    """also write the dataset to this .npz file"""

    def run(self, context: Context) -> int:
        """Collects, or finds the dataset in the cache."""
        from data_collection.collection.make import make_dataset
        from data_collection.storage import save_dataset

        from ..protocols.worlds import room_of

        room_of(self.env)
        size = self.size if self.rollouts is None else f"{self.rollouts}x10"
        dataset = make_dataset(
            self.env,
            size=size,
            seed=self.seed,
            obs_type=self.obs_type,
            hidden_walls=self.hidden_walls,
            engine=self.new_engine(),
        )
        console = context.console
        console.print(
            f"{dataset.num_episodes:,} rollouts, {dataset.num_transitions:,} transitions, "
            f"{len(dataset.observations):,} observations of shape {dataset.observation_shape}"
        )
        console.print(f"fingerprint {dataset.fingerprint}", soft_wrap=True)
        if self.out is not None:
            save_dataset(dataset, self.out)
            console.print(f"written to {self.out}", soft_wrap=True)
        return 0
