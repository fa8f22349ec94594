"""Streets that can be driven one way only: what a symmetric distance loses, and a quasimetric keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.graphs.shortest_paths import distances_from
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.metrics.global_metric import GlobalMetricConfig
from agents.metrics.heads import get_head
from agents.metrics.tables.table_embedding import TableConfig, embed_table
from plan2vec_envs.image_graph import get_views

from ..lab import AgentCache, Experiment, Found, Plan, Run, Table, register_experiment
from ..lab.plan import configured
from ..lab.scores import bits, flags, interval, mean_of, percent, plain
from ..streets import streets
from ..streets.street_walk import by_latents, street_tasks

WORLD = "city-one-way"
LABELS = {
    "table": "table, squared L2, of the mean of both directions",
    "l2": "network, L2 32-d",
    "iqe": "network, IQE 32-d",
}


@register_experiment
class OneWay(Experiment):
    """Errors of D on a directed graph and driving by it, by head."""

    id = "one-way"
    title = "One-way streets"
    choices = tuple(LABELS)
    about = (
        f"The made world {WORLD!r}: some streets can be driven in one direction alone. Networks regress the directed "
        "distances of the true graph from recorded views, one a place; the table keeps the mean of both directions. "
        "Then tasks with goals within 50 links, one look a step, links driven only the way they lead."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per head and seed."""
        heads = plan.only or tuple(LABELS)
        size = {"steps": plan.preset.steps, "tasks": plan.preset.tasks}
        return [
            Run(f"seed {seed}", head, {"seed": seed, "head": head, **size})
            for seed in range(plan.num_seeds(5))
            for head in heads
            if head != "table" or not seed  # nothing is drawn in it
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One head."""
        params, world = run.params, streets.street_world(WORLD)
        graph, views = streets.true_graph(world), get_views(world, "recorded", 1)
        truth = distances_from(graph, np.arange(world.num_places))
        if params["head"] == "table":
            latents, _ = embed_table(TableConfig(), graph, np.random.default_rng(params["seed"]))
            found = np.square(latents[:, None] - latents[None]).sum(-1)
            distance = by_latents(latents, lambda z, g: np.square(z - g).sum(-1))
        else:
            blocks = LandmarkRegressionConfig(steps=2000, batch_sources=64, batch_frames=128)
            config = GlobalMetricConfig("cnn", get_head(params["head"]), 32, 256, blocks)
            config = configured(config, {}, params["steps"])
            metric, _ = streets.fit_on_frames(config, views.frames, graph, cache.plan.training(params["seed"]))
            latents = metric.embed(views.frames)
            found = metric.between(latents[:, None], latents[None])
            distance = by_latents(latents, metric.between)
        asymmetry = truth - truth.T
        result: dict[str, Any] = {
            "error": round(float((np.abs(found - truth) / (truth + 1)).mean()), 4),
            "asymmetry": None,
        }
        if params["head"] == "iqe":
            result["asymmetry"] = round(float(np.corrcoef((found - found.T).ravel(), asymmetry.ravel())[0, 1]), 4)
        tasks = street_tasks(world, params["tasks"])
        for how, walked in streets.both_walks(world, views, distance, tasks, params["seed"]).items():
            result[how] = bits(walked.solved)
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Error and success."""
        return f"error {result['error']:.1%}, solved {flags(result['visited']).mean():.1%} with visited set"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Heads -> figures."""
        heads: dict[str, list[dict[str, Any]]] = {}
        for run, result in found:
            heads.setdefault(run.name, []).append(result)
        rows = {
            head: {
                "error": mean_of([run["error"] for run in runs]),
                "asymmetry": None if runs[0]["asymmetry"] is None else mean_of([run["asymmetry"] for run in runs]),
                **{how: vars(interval(np.stack([flags(r[how]) for r in runs]))) for how in ("visited", "memoryless")},
            }
            for head, runs in heads.items()
        }
        return {"seeds": plan.num_seeds(5), "heads": rows}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        rows = [
            (
                "ours" if head == "iqe" else "",
                [
                    LABELS[head],
                    plain({key: 100 * value for key, value in row["error"].items()}, ".1f"),
                    "–" if row["asymmetry"] is None else plain(row["asymmetry"], ".2f"),
                    percent(row["visited"]),
                    percent(row["memoryless"]),
                ],
            )
            for head, row in summary["heads"].items()
        ]
        head = ["", "error of D, %", "correlation of D(x, y) - D(y, x)", "goal place, visited set", "memoryless"]
        note = (
            f"{summary['seeds']} seeds x {summary['tasks']} tasks (the table draws nothing: one); mean [95 % "
            "bootstrap; Wilson of one run]. A symmetric distance has no difference of directions."
        )
        return [Table(WORLD, head, rows, [note])]
