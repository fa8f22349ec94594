"""Algorithm 1 by all pairs, Algorithm 1 as printed, Algorithm 2: success against gradient steps and seconds."""

from __future__ import annotations

from typing import Any

from ...figures import curves
from ...protocols.closed_loop import closed_loop
from ...protocols.graph_walk import graph_walk
from ...protocols.memory_graph import graph_tasks, memory_graph
from ...protocols.worlds import short_name
from ..lab import AgentCache, Experiment, Figure, Found, Method, Plan, Run, Source, Table, register_experiment
from ..lab.scores import average, compact, grouped, percent, rate, row, success

C_MAZE = "Plan2vec/CMaze-v0"
ENOUGH = 0.95
_PRINTED = {"global_metric.algorithm": "amortized_search"}
_SECOND = {"global_metric.algorithm": "value_iteration"}

VARIANTS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "Algorithm 1, all pairs": ({}, (50, 100, 200, 400, 800)),
    "Algorithm 1 as printed, Dijkstra": (_PRINTED, (50, 100, 200, 400)),
    "Algorithm 1 as printed, A* with D": ({**_PRINTED, "global_metric.algorithm.search": "a_star"}, (200, 400)),
    **{
        f"Algorithm 2, k = {k}": ({**_SECOND, "global_metric.algorithm.lookahead": k}, (100, 250, 500))
        for k in (1, 2, 3, 5)
    },
}
"""Label -> options, and numbers of gradient steps; each point has its own schedule."""


@register_experiment
class Algorithms(Experiment):
    """What the block of pairs buys."""

    id = "algorithms"
    title = "Algorithm 1 printed, Algorithm 1 by all pairs, Algorithm 2"
    about = (
        "C-Maze, the same local metric and graph for all. Each number of gradient steps is a training of its own, with "
        "its own learning-rate schedule. Success of the graph walk (k = 1, no memory) and of the closed loop within "
        ".02 m; CPU seconds of distilling alone, planning included, one thread."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per seed and variant, one run per number of steps."""
        return [
            Run.of(
                f"{short_name(env_id)} {label} seed {seed}",
                f"{steps} steps",
                env_id=env_id,
                size=plan.rollouts,
                seed=seed,
                variant=label,
                steps=steps,
                method=_method(label, steps).params(plan.preset),
            )
            for seed in range(plan.num_seeds(3))
            for env_id in plan.env_ids or (C_MAZE,)
            for label, (_, all_steps) in VARIANTS.items()
            for steps in all_steps
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One training."""
        source = Source.of(run.params)
        agent = cache.agent(_method(run.params["variant"], run.params["steps"]), source)
        memory = memory_graph(agent, cache.dataset(source))
        tasks = cache.tasks(source.env_id)
        pairs = graph_tasks(memory, num_tasks=len(tasks), seed=source.seed)
        stage = next(entry for entry in agent.fit_log if entry.stage == "global")
        return {
            "graph": compact(graph_walk(agent, memory, pairs, seed=source.seed))["success_02"],
            "memory": compact(closed_loop(agent, tasks, seed=source.seed, keep_paths=False))["success_02"],
            "cpu": round(stage.cpu_seconds, 2),
            "error": round(stage.figures["relative_error"], 4),
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success on the graph and in the room."""
        return f"graph {rate(result['graph']):.1%}, closed loop {rate(result['memory']):.1%}, {result['cpu']:.0f} CPU s"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Variants -> points in the order of their steps."""
        points = grouped(found, ("variant", "steps"), _point)
        return {
            "size": plan.rollouts,
            "seeds": plan.num_seeds(3),
            "variants": {
                label: [{"steps": steps, **by_steps[steps]} for steps in sorted(by_steps)]
                for label, by_steps in points.items()
            },
        }

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


def _point(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        **{key: success(results, key) for key in ("graph", "memory")},
        "per_seed": [round(rate(one["graph"]), 4) for one in results],
        "cpu": average([one["cpu"] for one in results], 1),
        "error": average([one["error"] for one in results], 4),
    }
