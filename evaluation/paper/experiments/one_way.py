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

from ..lab import AgentCache, Experiment, Plan, Run, Table, register_experiment
from ..lab.plan import configured
from ..lab.scores import Column, bits, means, percent, plain, rate, successes, table
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
    seeds = 5
    groups = ("heads", "name")
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
            for seed in range(plan.num_seeds(self.seeds))
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
        return f"error {result['error']:.1%}, solved {rate(result['visited']):.1%} with visited set"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of a head."""
        return means(runs, "error", "asymmetry") | successes(runs, "visited", "memoryless")

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        columns: list[Column] = [
            ("error of D, %", lambda found: plain(found["error"], ".1f", 100)),
            ("correlation of D(x, y) - D(y, x)", lambda found: plain(found["asymmetry"], ".2f")),
            ("goal place, visited set", lambda found: percent(found["visited"])),
            ("memoryless", lambda found: percent(found["memoryless"])),
        ]
        rows = [(name == "iqe", LABELS[name], found) for name, found in summary["heads"].items()]
        note = (
            f"{summary['seeds']} seeds x {summary['tasks']} tasks (the table draws nothing: one); mean [95 % "
            "bootstrap; Wilson of one run]. A symmetric distance has no difference of directions."
        )
        return [table(WORLD, "", columns, rows, note)]
