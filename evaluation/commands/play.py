"""`plan2vec play`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .context import Context


@dataclass(frozen=True)
class Command:
    """Drive the agent yourself, by keyboard, in a window."""

    env: Annotated[str, tyro.conf.Positional] = "Plan2vec/CMaze-v0"
    """environment id; `plan2vec envs` lists them"""
    task: str | None = None
    """a named task to begin with; random ones by default"""
    agent: Path | None = None
    """folder of a saved agent, or of a finished run, whose distance to the goal is said after each step"""

    def run(self, context: Context) -> int:
        """Opens the window."""
        context.refuse_config()
        from ..play import play

        agent = None
        if self.agent is not None:
            from agents import load_agent

            agent = load_agent(self.agent)
        reached = play(self.env, agent=agent, task=self.task, say=context.console.print)
        context.console.print(f"{reached} goals reached")
        return 0
