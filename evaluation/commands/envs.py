"""`plan2vec envs`."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Context


@dataclass(frozen=True)
class Command:
    """List the environments with their named tasks."""

    def run(self, context: Context) -> int:
        """Prints one paragraph a world."""
        context.refuse_config()
        from plan2vec_envs import ROPE_ID, STREET_ID
        from plan2vec_envs.image_graph import world_names
        from plan2vec_envs.rooms import ROOMS

        console = context.console
        for room in ROOMS.values():
            console.print(f"[bold]{room.env_id}[/bold]")
            console.print(f"  {room.doc}")
            console.print(f"  tasks: {', '.join(room.tasks)}\n")
        console.print(f"[bold]{STREET_ID}[/bold]")
        console.print("  Streets with a panorama at each place; drive to where another picture was taken.")
        console.print(f"  worlds: {', '.join(world_names())}, or the path of a file from `plan2vec world`\n")
        console.print(f"[bold]{ROPE_ID}[/bold]")
        console.print("  A rope round two pegs; drag it, link by link, until it lies as in a picture.\n")
        return 0
