"""`plan2vec envs`."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Context


@dataclass(frozen=True)
class Command:
    """List the environments with their named tasks."""

    def run(self, context: Context) -> int:
        """Prints one paragraph a world."""
        from plan2vec_envs import ROPE_ID, ROPE_OFFLINE_ID, STREET_ID
        from plan2vec_envs.image_graph import world_names
        from plan2vec_envs.image_graph.catalog import FRAME_WORLDS
        from plan2vec_envs.rooms import ROOMS

        console = context.console
        for room in ROOMS.values():
            console.print(f"[bold]{room.env_id}[/bold]")
            console.print(f"  {room.doc}")
            console.print(f"  tasks: {', '.join(room.tasks)}\n")
        streets = [name for name in world_names() if name not in FRAME_WORLDS]
        console.print(f"[bold]{STREET_ID}[/bold]")
        console.print("  Streets with a panorama at each place; drive to where another picture was taken.")
        console.print(f"  worlds: {', '.join(streets)}, or the path of a file from `plan2vec world`\n")
        console.print(f"[bold]{ROPE_OFFLINE_ID}[/bold]")
        console.print("  Pictures of a rope that were recorded; hop from one to another, to the one that is shown.")
        console.print(f"  worlds: {', '.join(FRAME_WORLDS)}, or the path of a file from `plan2vec import --world`\n")
        console.print(f"[bold]{ROPE_ID}[/bold]")
        console.print("  A rope round two pegs; drag it, link by link, until it lies as in a picture.\n")
        return 0
