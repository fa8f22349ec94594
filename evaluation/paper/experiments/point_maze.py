"""Long ways from short pieces: a point in a maze, a million transitions that never span a task."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents import get_agent
from agents.plan2vec.presets import VECTORS
from data_collection import Dataset

from ..lab import AgentCache, Experiment, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import Column, average, bits, means, percent, plain, rate, successes, table
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
    seeds = 3
    groups = ("rows", "name")
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
        axes = {"seed": range(plan.num_seeds(self.seeds)), "row": plan.only or ROWS}
        return crossed("seed {seed}", "{row}", axes, steps=plan.preset.steps, **size)

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

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of a row."""
        return {
            **successes([{"solved": "".join(run["solved"].values())} for run in runs], "solved"),
            "tasks": {task: average([rate(run["solved"][task]) for run in runs], 4) for task in runs[0]["solved"]},
            "steps": round(float(np.mean([list(run["steps"].values()) for run in runs])), 1),
            **means(runs, "learn", "all"),
        }

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        columns: list[Column] = [
            ("solved, %", lambda found: percent(found["solved"])),
            *((f"task {i}", lambda found, i=i: f"{100 * found['tasks'][str(i)]:.0f}") for i in range(1, 6)),
            ("steps", lambda found: f"{found['steps']:.0f}"),
            ("CPU s to learn", lambda found: plain(found["learn"], ".0f")),
            ("to the table", lambda found: plain(found["all"], ".0f")),
        ]
        rows = [(name == "plan2vec", ROWS[name][0], found) for name, found in summary["rows"].items()]
        note = f"{summary['seeds']} seeds of data and learning; mean [95 % interval]. Data of our own, see above."
        return [table("Medium point maze, our short pieces", "", columns, rows, note)]
