"""Long ways from short pieces: a point in a maze, a million transitions that never span a task."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents import get_agent
from agents.plan2vec.presets import VECTORS
from data_collection import Dataset

from ...protocols.stats import interval
from ..lab import AgentCache, Experiment, Found, Plan, Run, Table, register_experiment
from ..lab.plan import configured
from ..lab.scores import average, bits, flags, grouped, mean_of, percent, plain, rate, row
from ..protocols.point_maze import HORIZON, recording, solve_tasks

ROWS: dict[str, tuple[str, dict[str, Any] | None, bool]] = {
    "plan2vec": ("plan2vec, ring waypoints by D", {}, True),
    "memoryless": ("the same, memoryless", {}, False),
    "ways": ("ring waypoints by ways on the graph", {"control.waypoint.distance_source": "paths"}, True),
    "straight": ("inverse model straight to the goal", {"control.waypoint.ring": 1e9}, True),
    "random": ("random actions", None, False),
}
"""Key -> what the table calls it, options of `VECTORS` (None: no such agent), whether it has a memory."""


@register_experiment
class PointMaze(Experiment):
    """Success on each of five tasks, and what it took to get there."""

    id = "point-maze"
    title = "Long ways from short pieces: a point in a maze"
    choices = tuple(ROWS)
    about = (
        "The medium point maze of the package ogbench, its five tasks (6 to 10 cells of way) and its own criterion, 20 "
        f"episodes a task, at most 1,000 steps. A million transitions recorded by us: trajectories of {HORIZON} steps, "
        "each from a random cell to one at most 4 cells away with noise on every action, then hovering; none spans a "
        "task. These data are ours, so the numbers do not compare with published tables. Seconds are from raw arrays "
        "to the agent, and to all its tasks."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per seed, one run per row."""
        full, little = {"transitions": 1_000_000, "episodes": 20}, {"transitions": 4000, "episodes": 1}
        size = full if plan.preset.comparable else little
        return [
            Run(f"seed {seed}", name, {"row": name, "seed": seed, "steps": plan.preset.steps, **size})
            for seed in range(plan.num_seeds(3))
            for name in plan.only or ROWS
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One row: the agent is learned anew, except that rows of one configuration share it."""
        params = run.params
        path = recording(params["transitions"], seed=params["seed"])
        _, options, memory = ROWS[params["row"]]
        began = time.process_time()
        dataset = Dataset.from_npz(path, report=None)
        if options is None:
            agent = get_agent("random")().fit(dataset, seed=params["seed"])
        else:
            agent = get_agent("plan2vec-waypoints")(configured(VECTORS, options, params["steps"]))
            agent.fit(dataset, seed=params["seed"], progress=False)
        learned = time.process_time() - began
        found = solve_tasks(agent, params["episodes"], memory=memory, seed=params["seed"])
        return {
            "solved": {str(task): bits(success) for task, (success, _) in found.items()},
            "steps": {str(task): round(steps, 1) for task, (_, steps) in found.items()},
            "learn": round(learned, 1),
            "all": round(time.process_time() - began, 1),
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success over all tasks."""
        return f"{rate(''.join(result['solved'].values())):.1%} solved, {result['all']:.0f} CPU s"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rows -> pooled figures."""
        return {"seeds": plan.num_seeds(3), "rows": grouped(found, ["name"], _pooled)}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        head = ["", "solved, %", *(f"task {task}" for task in range(1, 6)), "steps", "CPU s to learn", "to the table"]
        rows = [
            row(
                ROWS[name][0],
                percent(found["solved"]),
                *(f"{100 * value:.0f}" for value in found["tasks"].values()),
                f"{found['steps']:.0f}",
                plain(found["learn"], ".0f"),
                plain(found["all"], ".0f"),
                ours=name == "plan2vec",
            )
            for name, found in summary["rows"].items()
        ]
        note = f"{summary['seeds']} seeds of data and learning; mean [95 % interval]. Data of our own, see above."
        return [Table("Medium point maze, our short pieces", head, rows, [note])]


def _pooled(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "solved": vars(interval(np.stack([flags("".join(run["solved"].values())) for run in runs]))),
        "tasks": {task: average([rate(run["solved"][task]) for run in runs], 4) for task in runs[0]["solved"]},
        "steps": round(float(np.mean([list(run["steps"].values()) for run in runs])), 1),
        **{key: mean_of(run[key] for run in runs) for key in ("learn", "all")},
    }
