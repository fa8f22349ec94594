"""`plan2vec embed`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .context import Context, EngineOptions


@dataclass(frozen=True)
class Command(EngineOptions):
    """Write the latents of all images of a dataset into one .npy file, whatever their number.

    Stopped or killed, the same command goes on where it was.
    """

    agent: Annotated[Path, tyro.conf.Positional]
    """run folder, or the folder of a saved agent"""
    data: Annotated[Path, tyro.conf.Positional]
    """dataset (.npz), or observations (N, ...) as a .npy file, of which only a chunk at a time is read"""
    out: Path = Path("latents.npy")
    """file for (N, D) float32"""
    chunk: int = 2048
    """observations embedded at once"""

    def run(self, context: Context) -> int:
        """Embeds what is missing and puts it together."""
        import numpy as np

        from agents import load_agent
        from agents.training.loop import one_torch_thread
        from data_collection.storage import load_mapped
        from plan2vec_envs.errors import MissingFileError

        from ..runs.embedding import embed_all

        engine = self.new_engine()
        agent = load_agent(self.agent)
        if not self.data.is_file():
            raise MissingFileError(f"there is no file {self.data}; give a dataset (.npz) or an array (.npy)")
        if self.data.suffix == ".npy":
            observations = np.load(self.data, mmap_mode="r", allow_pickle=False)
        else:
            observations = load_mapped(self.data).observations
        with one_torch_thread():
            latents = embed_all(agent, observations, self.out, chunk=self.chunk, engine=engine)
        context.console.print(f"{latents.shape[0]:,} latents of {latents.shape[1]} dimensions in {self.out}")
        return 0
