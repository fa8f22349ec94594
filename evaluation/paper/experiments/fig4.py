"""Fig. 4: the rooms, as a person sees them and as the agent does."""

from __future__ import annotations

from typing import Any

from ...figures.rooms import gallery_figure
from ...protocols.tasks import make_tasks
from ...protocols.worlds import short_name
from ...report.published import ROOMS
from ..lab import Experiment, Figure, Found, Plan, Run, Table, register_experiment

EXTRA_ROOMS = ("Plan2vec/FourRooms-v0", "Plan2vec/HMaze-v0")
"""Rooms of the released code that the paper does not use; shown where they are registered."""


@register_experiment
class Fig4(Experiment):
    """A gallery; nothing is learned."""

    id = "fig4"
    title = "Fig. 4: the rooms"
    groups = ("rooms", "env_id")
    about = (
        "A square of 8 cm is moved by 2.5 cm a step (3.5 cm diagonally) in an arena of 56 cm; walls stick. The agent "
        "sees 64 × 64 grey pixels and a picture of where it should be; the red sphere is drawn for people alone."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per room."""
        from plan2vec_envs import ROOM_IDS

        extra = tuple(env_id for env_id in EXTRA_ROOMS if env_id in ROOM_IDS)
        return [Run(short_name(env_id), "tasks", {"env_id": env_id}) for env_id in plan.env_ids or ROOMS + extra]

    def measure(self, run: Run, cache: Any) -> dict[str, Any]:
        """How hard the room's tasks are, by ground truth."""
        tasks = make_tasks(run.params["env_id"], cache.plan.preset.tasks)
        return {
            "blocked": round(float(tasks.blocked.mean()), 4),
            "least_steps": round(float(tasks.least_steps.mean()), 2),
            "most_steps": int(tasks.least_steps.max()),
        }

    def say(self, result: dict[str, Any]) -> str:
        """Share of tasks with a wall in the way."""
        return f"{result['blocked']:.0%} blocked"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """What the run of a room says."""
        return runs[-1]

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A row a room."""
        head = ["", "wall in the way, % of tasks", "least steps, mean", "least steps, most"]
        rows = [
            ("", [short_name(env_id), f"{100 * r['blocked']:.1f}", f"{r['least_steps']:.1f}", str(r["most_steps"])])
            for env_id, r in summary["rooms"].items()
        ]
        notes = [f"{summary['tasks']} tasks a room: the environments' own draws for seeds from 10000."]
        return [Table("The tasks", head, rows, notes)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """The gallery."""
        caption = (
            "Start of the first named task of each room. Left: as a person sees it, the agent blue, the goal red. "
            "Middle and right: all that the agent gets, where it is and where it should be."
        )
        return [Figure("fig4.png", gallery_figure(list(summary["rooms"])), caption, narrow=True)]
