"""Long ways from short pieces: a point in a maze, a million transitions that never span a task."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents import get_agent
from agents.plan2vec.presets import VECTORS
from data_collection import Dataset

from ..lab import AgentCache, Experiment, Found, Plan, Run, Table, register_experiment
from ..lab.plan import configured
from ..lab.scores import bits, flags, interval, mean_of, percent, plain
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
        return f"{flags(''.join(result['solved'].values())).mean():.1%} solved, {result['all']:.0f} CPU s"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rows -> pooled figures."""
        runs: dict[str, list[dict[str, Any]]] = {}
        for run, result in found:
            runs.setdefault(run.name, []).append(result)
        rows: dict[str, Any] = {}
        for name, each in runs.items():
            solved = np.stack([flags("".join(run["solved"].values())) for run in each])
            tasks = {task: np.mean([flags(run["solved"][task]).mean() for run in each]) for task in each[0]["solved"]}
            rows[name] = {
                "solved": vars(interval(solved)),
                "tasks": {task: round(float(value), 4) for task, value in tasks.items()},
                "steps": round(float(np.mean([list(run["steps"].values()) for run in each])), 1),
                **{key: mean_of([run[key] for run in each]) for key in ("learn", "all")},
            }
        return {"seeds": plan.num_seeds(3), "rows": rows}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        head = ["", "solved, %", *(f"task {task}" for task in range(1, 6)), "steps", "CPU s to learn", "to the table"]
        rows = [
            (
                "ours" if name == "plan2vec" else "",
                [
                    ROWS[name][0],
                    percent(row["solved"]),
                    *(f"{100 * value:.0f}" for value in row["tasks"].values()),
                    f"{row['steps']:.0f}",
                    plain(row["learn"], ".0f"),
                    plain(row["all"], ".0f"),
                ],
            )
            for name, row in summary["rows"].items()
        ]
        note = f"{summary['seeds']} seeds of data and learning; mean [95 % interval]. Data of our own, see above."
        return [Table("Medium point maze, our short pieces", head, rows, [note])]
