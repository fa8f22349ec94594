"""Algorithm 1 by all pairs, Algorithm 1 as printed, Algorithm 2: success against gradient steps and seconds."""

from __future__ import annotations

from itertools import product
from typing import Any

from ...figures import curves
from ...protocols.closed_loop import closed_loop
from ...protocols.worlds import short_name
from ..lab import AgentCache, Experiment, Figure, Found, Method, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import places
from ..lab.scores import averages, compact, percent, rate, row, successes
from .ablations import C_MAZE, FAMILIES, PRINTED, Options, on_own_graph

ENOUGH = 0.95
VARIANTS: dict[str, tuple[Options, tuple[int, ...]]] = {
    "Algorithm 1, all pairs": ({}, (50, 100, 200, 400, 800)),
    "Algorithm 1 as printed, Dijkstra": (PRINTED, (50, 100, 200, 400)),
    "Algorithm 1 as printed, A* with D": ({**PRINTED, "global_metric.algorithm.search": "a_star"}, (200, 400)),
    **{f"Algorithm 2, {k}": (options, (100, 250, 500)) for k, options in FAMILIES["algorithm2"][1].items()},
}
"""Label -> options, and numbers of gradient steps; each point has its own schedule."""


@register_experiment
class Algorithms(Experiment):
    """What the block of pairs buys."""

    id = "algorithms"
    title = "Algorithm 1 printed, Algorithm 1 by all pairs, Algorithm 2"
    seeds = 3
    repeats_size = True
    groups = ("variants", "variant", "steps")
    about = (
        "C-Maze, the same local metric and graph for all. Each number of gradient steps is a training of its own, with "
        "its own learning-rate schedule. Success of the graph walk (k = 1, no memory) and of the closed loop within "
        ".02 m; CPU seconds of distilling alone, planning included, one thread."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per seed and variant, one run per number of steps."""
        runs = []
        for place, (label, (_, all_steps)) in product(places(plan, [C_MAZE], self.seeds), VARIANTS.items()):
            group = f"{short_name(place['env_id'])} {label} seed {place['seed']}"
            for steps in all_steps:
                method = _method(label, steps).params(plan.preset)
                runs.append(Run(group, f"{steps} steps", {**place, "variant": label, "steps": steps, "method": method}))
        return runs

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One training."""
        source = Source.of(run.params)
        agent = cache.agent(_method(run.params["variant"], run.params["steps"]), source)
        tasks = cache.tasks(source.env_id)
        graph, stage = on_own_graph(agent, cache.dataset(source), len(tasks), source.seed)
        return {
            "graph": graph["success_02"],
            "memory": compact(closed_loop(agent, tasks, seed=source.seed, keep_paths=False))["success_02"],
            "cpu": round(stage.cpu_seconds, 2),
            "error": round(stage.figures["relative_error"], 4),
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success on the graph and in the room."""
        return f"graph {rate(result['graph']):.1%}, closed loop {rate(result['memory']):.1%}, {result['cpu']:.0f} CPU s"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """One point over its seeds."""
        per_seed = [round(rate(run["graph"]), 4) for run in runs]
        return {**successes(runs, "graph", "memory"), "per_seed": per_seed, **averages(runs, cpu=1, error=4)}

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Variants -> points in the order of their steps."""
        summary = super().summarise(found, plan)
        for label, points in summary["variants"].items():
            summary["variants"][label] = [{"steps": steps, **points[steps]} for steps in sorted(points)]
        return summary

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """Where each reaches 95 %, and where it ends."""
        rows = []
        for label, points in summary["variants"].items():
            first = next((point for point in points if point["graph"]["value"] >= ENOUGH), None)
            last = points[-1]
            reached = (f"{first['steps']}", f"{first['cpu']:.1f}") if first else (f"not in {last['steps']}", "–")
            spread = f"{100 * min(last['per_seed']):.1f} to {100 * max(last['per_seed']):.1f}"
            ends = [percent(last["graph"]), spread, percent(last["memory"]), f"{100 * last['error']:.1f}"]
            costs = [*reached, str(last["steps"]), f"{last['cpu']:.0f}"]
            rows.append(row(label, *costs, *ends, ours="all pairs" in label))
        head = ["", "steps to 95 %", "CPU s to 95 %", "steps", "CPU s", "graph walk, %", "seeds, %"]
        head += ["closed loop, memory, %", "error of D, %"]
        note = "Steps to 95 %: the least number tried whose mean success on the graph is 95 % or more."
        return [Table("Distilling the graph into D", head, rows, [note])]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Success against steps, and against seconds."""
        panels = []
        for title, key in (("gradient steps", "steps"), ("CPU seconds", "cpu")):
            lines = []
            for label, points in summary["variants"].items():
                shares = [point["graph"] for point in points]
                lines.append(curves.Line.of_shares(label, [point[key] for point in points], shares))
            panels.append(curves.Panel(f"against {title}", title, "graph walk success, %", lines, log_x=True))
        caption = "Graph walk success, k = 1, with intervals over seeds; each point is a training of its own."
        return [Figure("algorithms.png", curves.curves_figure(panels, height=4.6), caption)]


def _method(label: str, steps: int) -> Method:
    options = {**VARIANTS[label][0], "global_metric.algorithm.steps": steps}
    return Method(f"{label} {steps}", label, "plan2vec", options)
