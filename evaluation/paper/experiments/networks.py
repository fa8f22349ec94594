"""Networks in place of anchors: what was tried on new pictures of streets, over the length of training."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch

from agents import Plan2VecPlaces
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.metrics.global_metric import GlobalMetric, GlobalMetricConfig
from agents.metrics.heads.l2 import L2Head
from agents.metrics.heads.lp import LpHead
from agents.metrics.tables.augmentation import AugmentationConfig
from agents.metrics.tables.classified import ClassifiedMetric, ClassifierConfig
from agents.plan2vec.places import graph_of_frames
from agents.training.loop import Training
from plan2vec_envs.image_graph import get_views

from ...figures.curves import Line
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Table, crossed, register_experiment
from ..lab.scores import averages, bits, percent, rate, row, successes
from ..lab.sweeps import sweep
from ..streets import streets
from ..streets.street_walk import by_latents, street_tasks
from .table2 import places_of_drives

WORLDS = ("small", "large")
STEPS = (400, 1200, 3600)
PASSES = 5
COPIES = 8
"""Disturbed copies of a frame, for a regression."""
LABELS = {
    "classified": "which place? then the table; disturbed pictures",
    "classified-plain": "which place? then the table; pictures as they are",
    "l2": "distances, L2 32-d",
    "l2-disturbed": "distances, L2 32-d, disturbed pictures",
    "l1": "distances, L1 32-d",
    "l2-20": "distances, L2 32-d, 20 passes",
}


@register_experiment
class Networks(Experiment):
    """Success on novel views over gradient steps, by what the network is asked."""

    id = "networks"
    title = "Networks of fixed size on new pictures"
    choices = (*WORLDS, *LABELS)
    groups = ("worlds", "world", "way", "steps")
    about = (
        "The graph of places is learned from drives, as in Table 2; then a network of the same trunk is trained on its "
        "frames in different ways, for different lengths, each length with a schedule of its own. A network that "
        "regresses distances is of constant size; one that says which place it sees ends in a row of weights a place, "
        "and needs the table, but no pictures. Driving is that of Table 2 on novel views."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per world and seed, one run per way and length."""
        runs, seeds = [], range(plan.num_seeds(2))
        steps = [max(2, int(count * plan.preset.steps)) for count in STEPS]
        for like in plan.chosen(WORLDS, default=["small"]):
            ways = [way for way in plan.chosen(LABELS) if way != "l2-20" or like == "small"]
            axes = {"world": streets.worlds_at_hand((like,)), "seed": seeds, "way": ways, "steps": steps}
            runs += crossed("{world} seed {seed}", "{way} {steps}", axes, tasks=plan.preset.tasks)
        return runs

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Trains one network and drives by it."""
        params = run.params
        way, seed = params["way"], params["seed"]
        passes = 20 if way == "l2-20" else PASSES
        world = streets.street_world(params["world"])
        recorded, novel = get_views(world, "recorded", passes), get_views(world, "novel")
        drives, agent = places_of_drives(world, recorded, passes, seed)
        training = cache.plan.training(seed)
        training.clock.begin()
        metric, weights = fit_network(way, agent, drives.observations, params["steps"], training)
        _, cpu = training.clock.spent()
        tasks = street_tasks(world, params["tasks"])
        result: dict[str, Any] = {"cpu": round(cpu, 1), "weights": weights}
        for kind, views in (("novel", novel), ("recorded", recorded)):
            distance = by_latents(metric.embed(views.frames), metric.between)
            for how, walked in streets.both_walks(world, views, distance, tasks, seed).items():
                result[f"{kind} {how}"] = bits(walked.solved)
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Success on novel views."""
        rates = [rate(result[f"novel {how}"]) for how in ("visited", "memoryless")]
        return f"novel views {rates[0]:.1%} with visited set, {rates[1]:.1%} memoryless; {result['cpu']:.0f} CPU s"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Rates of one way and length."""
        weights = round(float(np.mean([run["weights"] for run in runs])))
        return {"seeds": len(runs), **averages(runs, cpu=1), "weights": weights, **successes(runs, *_RATES)}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a world."""
        tables = []
        for world, ways in summary["worlds"].items():
            seeds = next(iter(next(iter(ways.values())).values()))["seeds"]
            note = (
                f"{seeds} seed(s) x {summary['tasks']} tasks, goal place; mean [95 % stratified bootstrap over seeds "
                "within tasks; Wilson of one seed]. Weights in thousands."
            )
            rows = [
                row(
                    f"{LABELS[way]}, {int(steps):,} steps",
                    *(percent(found[key]) for key in _RATES),
                    f"{found['cpu']:.0f}",
                    f"{found['weights'] / 1000:.0f}",
                    ours=way == "classified",
                )
                for way, lengths in ways.items()
                for steps, found in lengths.items()
            ]
            tables.append(Table(f"{world}: networks", [*_HEAD, "CPU s", "weights"], rows, [note]))
        return tables

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Success over CPU seconds."""
        panels: dict[str, list[Line]] = {}
        for (world, ways), how in product(summary["worlds"].items(), ("visited", "memoryless")):
            for way, lengths in ways.items():
                each = lengths.values()
                shares = [found[f"novel {how}"] for found in each]
                line = Line.of_shares(LABELS[way], [found["cpu"] for found in each], shares)
                panels.setdefault(f"{world}, {how}", []).append(line)
        axes = {"x_label": "CPU seconds of training", "y_label": "success on novel views, %"}
        return [sweep("networks.png", "Training longer, by what is asked.", panels, **axes, height=4.6, log_x=True)]


_RATES = ("novel visited", "novel memoryless", "recorded visited", "recorded memoryless")
_HEAD = ("%", "novel, visited set", "novel, memoryless", "recorded, visited set", "recorded, memoryless")


def fit_network(
    way: str, agent: Plan2VecPlaces, observations: np.ndarray, steps: int, training: Training
) -> tuple[Any, int]:
    """One network on the graph that an agent made of its drives, and how many weights it has."""
    frames, places = observations[agent.frame_graph.anchor_rows], agent.frame_graph.anchor_places
    metric: Any
    if way.startswith("classified"):
        table = agent.part("global").table
        none = AugmentationConfig(0, 0, 0, 0, 0)
        config = ClassifierConfig(steps=steps, augmentation=none if way.endswith("plain") else AugmentationConfig())
        metric, _ = ClassifiedMetric.fit(config, frames, places, table, training)
    else:
        head = LpHead(1.0) if way == "l1" else L2Head()
        network = GlobalMetricConfig("cnn", head, 32, 256, LandmarkRegressionConfig(1024, steps))
        if way == "l2-disturbed":
            frames, places = _disturbed_copies(frames, training), np.tile(places, 1 + COPIES)
        graph = graph_of_frames(agent.graph, places)
        metric, _ = GlobalMetric.fit(network, frames, np.zeros(len(frames), bool), graph, training)
    return metric, sum(weight.numel() for weight in metric.network.parameters())


def _disturbed_copies(frames: np.ndarray, training: Training) -> np.ndarray:
    """The frames, then `COPIES` disturbed ones of each."""
    copies = [frames]
    config = AugmentationConfig()
    for i in range(COPIES):
        what = config.sample(training.rng("copies", i), len(frames))
        copies.append(config.apply(torch.as_tensor(frames.copy()), what).round().to(torch.uint8).numpy())
    return np.concatenate(copies)
