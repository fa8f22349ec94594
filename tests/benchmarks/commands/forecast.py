"""`plan2vec forecast`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.commands.context import Context

if TYPE_CHECKING:
    from evaluation.report.tables import Table

    from ..forecast import Cluster, Design, Job


@dataclass(frozen=True)
class Command:
    """Say what a dataset of any size would cost to learn from: time, memory and bytes moved, stage by stage.

    From measured rates and a simulated cluster (docs/scaling.md); nothing is run.
    """

    frames: float = 1e6
    """recorded images of 64 x 64, such as 1e8"""
    places: float | None = None
    """vertices that cover the data, where it comes back to the same places; None counts every frame as a new one"""
    dimensions: int = 2
    """of the space of states, such as 2 for a position"""
    latent_dimensions: int = 32
    """of the local metric; above 8 neighbours are searched by faiss"""
    passes: float = 1.0
    """times that distilling sees each vertex"""
    design: str = "auto"
    """cover, whole or shards; auto takes the first that does"""
    machines: int = 1
    """how many, all alike"""
    cores: int = 2
    """of a machine"""
    memory: float = 24.0
    """GB of a machine"""
    disk: float = 1.0
    """GB a second of a machine"""
    network: float = 10.0
    """gigabits a second of a machine"""
    gpus: int = 0
    """of a machine"""
    failures: float = 0.0
    """times an hour that a process is killed"""
    recorded: bool = False
    """the frames are there already"""

    def run(self, context: Context) -> int:
        """Prints the table, and why other designs are not for this job."""
        from ..forecast.tables import reasons

        table, console = self.table(), context.console
        console.width = max(console.width, 118)
        table.show(console)
        passed = reasons(*self._asked()) if self.design == "auto" else []
        for line in [*table.notes, *passed]:
            console.print(line, soft_wrap=True)
        if not self._design().built:
            console.print("This design is not built; its stages say what it would cost.")
        return 0

    def table(self) -> Table:
        """What each stage takes.

        Raises:
            InvalidOptionError: if a number cannot be, or no design is for this job.
            UnknownNameError: for another design.
            DoesNotFitError: if the design that was asked for needs more memory than a machine has.
        """
        from ..forecast.tables import table_of

        return table_of(*self._asked(), self._design())

    def _asked(self) -> tuple[Job, Cluster]:
        from plan2vec_envs.errors import InvalidOptionError

        from ..forecast import Cluster, Job, Machine
        from ..forecast.machines import GB

        for name in ("frames", "places", "memory", "disk", "network"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise InvalidOptionError(f"--{name} {value}: a finite number is needed")
        places = None if self.places is None else int(self.places)
        job = Job(
            int(self.frames),
            places,
            self.dimensions,
            self.latent_dimensions,
            passes=self.passes,
            recorded=self.recorded,
        )
        machine = Machine(self.cores, self.memory * GB, self.disk * GB, self.network * GB / 8, self.gpus)
        return job, Cluster(machine, self.machines, self.failures)

    def _design(self) -> Design:
        from plan2vec_envs.errors import InvalidOptionError, check_name

        from ..forecast import DESIGNS, choose_design
        from ..forecast.tables import reasons

        asked = self._asked()
        found = choose_design(*asked) if self.design == "auto" else DESIGNS[check_name("design", self.design, DESIGNS)]
        if found is None:
            raise InvalidOptionError(f"no design does: {'; '.join(reasons(*asked))}")
        return found
