"""`plan2vec sweep`."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ...commands.context import Context
from .reproduce import Command as Reproduce
from .reproduce import ExperimentOptions


@dataclass(frozen=True)
class Command(ExperimentOptions):
    """Agents x rooms x seeds, on this machine or on a Ray cluster: collect, fit and judge, in Table 1's protocol.

    Stopped or killed, the same command goes on where it was and ends with the same table, whatever the engine.
    """

    agent: tuple[str, ...] = ()
    """methods of Table 1, such as `plan2vec vae-2 random`, and registered agents by name; none for all of Table 1"""

    def run(self, context: Context) -> int:
        """Runs what is missing and writes the report."""
        asked = {entry.name: getattr(self, entry.name) for entry in fields(ExperimentOptions)}
        return Reproduce(id="table1", only=self.agent, **asked).run(context)
