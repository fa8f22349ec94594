"""`plan2vec envs`."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Context


@dataclass(frozen=True)
class Command:
    """List the environments with their named tasks."""

    def run(self, context: Context) -> int:
        """Prints one paragraph a room."""
        context.refuse_config()
        from plan2vec_envs.rooms import ROOMS

        console = context.console
        for room in ROOMS.values():
            console.print(f"[bold]{room.env_id}[/bold]")
            console.print(f"  {room.doc}")
            console.print(f"  tasks: {', '.join(room.tasks)}\n")
        return 0
