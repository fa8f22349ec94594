"""`plan2vec sweep`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...commands.context import Context, EngineOptions


@dataclass(frozen=True)
class Command(EngineOptions):
    """Agents x rooms x seeds, on this machine or on a Ray cluster: collect, fit and judge, in Table 1's protocol.

    Stopped or killed, the same command goes on where it was and ends with the same table, whatever the engine.
    """

    env: tuple[str, ...] = ()
    """rooms; none for all"""
    agent: tuple[str, ...] = ()
    """methods of Table 1, such as `plan2vec vae-2 random`, and registered agents by name; none for all of Table 1"""
    seeds: int | None = None
    """seeds of data and training; None for what the preset asks for"""
    preset: str = "quick"
    """smoke, quick or paper"""
    size: str | None = None
    """rollouts x horizon of the data"""
    jobs: int | None = None
    """runs at once, a process of one thread each; None for one a core, or every processor of a Ray cluster"""
    address: str | None = None
    """of a running Ray cluster whose machines share --out; None starts one on this machine"""
    device: str = "cpu"
    """where agents are trained: cpu or cuda"""
    out: Path = Path("runs/reproduce")
    """folder for agents and results, shared with `plan2vec reproduce`"""

    def run(self, context: Context) -> int:
        """Runs what is missing and writes the report."""
        from .reproduce import Command as Reproduce

        asked = {name: getattr(self, name) for name in ("env", "seeds", "preset", "size", "jobs", "engine", "address")}
        return Reproduce(id="table1", only=self.agent, device=self.device, out=self.out, **asked).run(context)
