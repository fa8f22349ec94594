"""Table 5, streets: how well a local metric tells neighbours from far pictures, and one place from the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.csgraph import shortest_path

from agents import Plan2VecPlaces
from agents.graphs.lengths import lengths_of
from agents.metrics.local import LocalMetric, LocalMetricConfig
from agents.metrics.places.matching import pairs_within
from agents.training.loop import Training
from data_collection.collection.drives import collect_drives
from data_collection.pairs import PairBatch
from plan2vec_envs.image_graph import Views, WorldGraph, get_views
from plan2vec_envs.image_graph.distances import hops_from

from ...report.published import TABLE_5_STREETS
from ..lab import AgentCache, Experiment, Plan, Run, Table, register_experiment
from ..lab.plan import configured
from ..lab.scores import means, plain
from ..streets import streets
from .table2 import PASSES, WORLDS, places_of_drives

PAIRS = 20_000
BOUNDARY = 1.5
"""Steps, as in the rooms."""
_NEIGHBOURS = ("train", "novel", "ceiling")


@register_experiment
class Table5Streets(Experiment):
    """The paper's question of neighbours, ours of places, and what the merged places are worth."""

    id = "table5-streets"
    title = "Table 5, streets: local metrics"
    choices = WORLDS
    seeds = 5
    groups = ("worlds", "world", "name")
    about = (
        "Neighbours: the Siamese metric of the rooms learns from random drives through recorded panoramas, one a "
        "place, and is asked which pairs are nearer than 1.5 steps, identical : neighbour : far at 1 : 1 : 2, on the "
        "drives it was trained on (as the paper) and on pictures of another day. Places: plan2vec-places learns from "
        f"drives in {PASSES} passes which pictures show one place; asked of pairs of pictures of one place : of linked "
        "places at 1 : 1, at its own threshold, on its own pictures and on new ones. Pictures are put together where "
        "the drives around them match too; a wormhole is a pair put together whose places are two links apart or more. "
        "Far pairs are drawn at random and not filtered, so some are near: the ceiling is the accuracy of the true "
        "number of links. Positions judge and are never learned from."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per world, seed and metric."""
        worlds = streets.worlds_at_hand(plan.chosen(WORLDS))
        return [
            Run(f"{world} seed {seed}", name, {"world": world, "seed": seed, "steps": plan.preset.steps})
            for world in worlds
            for seed in range(plan.num_seeds(self.seeds))
            for name in ("places", "siamese")
            if name == "places" or seed < 2
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One metric."""
        world, seed = streets.street_world(run.params["world"]), run.params["seed"]
        if run.name == "siamese":
            return siamese_accuracy(world, run.params["steps"], cache.plan.training(seed))
        return place_accuracy(world, seed)

    def say(self, result: dict[str, Any]) -> str:
        """Accuracies."""
        return f"{result['train']:.1%} on its own pictures, {result['novel']:.1%} on new ones"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of a metric."""
        return means(runs, *runs[0])

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """Neighbours, places, and what was put together."""
        neighbours: list[tuple[str, list[str]]] = []
        places, merged = [], []
        for world, metrics in summary["worlds"].items():
            one, two = metrics["places"], metrics["siamese"]
            neighbours.append(("ours", [world, *(plain(two[key], ".1f", 100) for key in _NEIGHBOURS)]))
            if world == "large":
                neighbours.append(("paper", ["paper, large", TABLE_5_STREETS, "–", "–"]))
            places.append(("ours", [world, *(plain(one[key], ".1f", 100) for key in ("train", "novel"))]))
            counts = [plain(one[key], ".1f") for key in ("true_places", "places")]
            shares = [plain(one[key], ".2f", 100) for key in ("precision", "recall")]
            wrong = [plain(one[key], ".1f") for key in ("wormholes", "refused", "bridges")]
            merged.append(("ours", [world, *counts, *shares, *wrong]))
        note = f"{summary['seeds']} seeds (the Siamese metric: at most 2); mean [95 % bootstrap over seeds]."
        head = ["places", "found", "precision of pairs, %", "recall of pairs, %", "wormholes", "refused", "bridges"]
        return [
            Table("Neighbours, accuracy in %", ["", "on its drives", "on another day", "ceiling"], neighbours, [note]),
            Table("One place or the next, accuracy in %", ["", "on its pictures", "on new ones"], places, [note]),
            Table("Pictures put together", ["", *head], merged, [note]),
        ]


def siamese_accuracy(world: WorldGraph, steps: float, training: Training) -> dict[str, float]:
    """The local metric of the rooms on drives of one pass, judged on them and on the same drives on another day."""
    recorded, novel = get_views(world, "recorded", 1), get_views(world, "novel")
    dataset = collect_drives(world, recorded, seed=training.seed)
    drives = dataset.without_oracle()
    metric, _ = LocalMetric.fit(configured(LocalMetricConfig(), {}, steps), drives, drives, training)
    assert dataset.oracle_position is not None
    places = streets.places_of(world, dataset.oracle_position)
    other = novel.frames[novel.rows(places, np.full(len(places), training.seed))]
    pairs = dataset.sample_pairs(PAIRS, rng=np.random.default_rng(0))
    hops = shortest_path(world.matrix(), unweighted=True)[places[pairs.left], places[pairs.right]]
    return {
        "train": _right(metric, pairs, drives.observations),
        "novel": _right(metric, pairs, other),
        "ceiling": float(((hops < BOUNDARY) == (pairs.target < 2)).mean()),
    }


def _right(metric: LocalMetric, pairs: PairBatch, frames: np.ndarray) -> float:
    latents = metric.embed(frames)
    near = np.linalg.norm(latents[pairs.left] - latents[pairs.right], axis=1) < BOUNDARY
    return float((near == (pairs.target < 2)).mean())


def place_accuracy(world: WorldGraph, seed: int) -> dict[str, float]:
    """What plan2vec-places knows of places from drives in several passes, and what it put together."""
    recorded, novel = get_views(world, "recorded", PASSES), get_views(world, "novel")
    dataset, agent = places_of_drives(world, recorded, PASSES, seed)
    assert dataset.oracle_position is not None
    rows, found = agent.frame_graph.anchor_rows, agent.frame_graph.anchor_places
    true = streets.places_of(world, dataset.oracle_position[rows])
    pairs, same = pairs_within(found), pairs_within(true)
    right = true[pairs[:, 0]] == true[pairs[:, 1]]
    wrong = true[pairs[~right]]
    apart = [hops_from(world, int(a))[b] for a, b in wrong]
    rng = np.random.default_rng(seed)
    return {
        "train": _told_apart(agent, world, recorded, rng),
        "novel": _told_apart(agent, world, novel, rng),
        "true_places": float(len(np.unique(true))),
        "places": float(found.max() + 1),
        "precision": float(right.mean()),
        "recall": float((found[same[:, 0]] == found[same[:, 1]]).mean()),
        "wormholes": float(sum(hops >= 2 for hops in apart)),
        "refused": next(log for log in agent.fit_log if log.stage == "graph").figures["refused"],
        "bridges": float(agent.graph.bridge.sum() / 2),
    }


def _told_apart(agent: Plan2VecPlaces, world: WorldGraph, views: Views, rng: np.random.Generator) -> float:
    """Share of pairs on the right side of the agent's threshold: one place in two pictures, or two linked places."""
    latents = agent.local_metric.embed(views.frames)
    place, numbers = rng.integers(world.num_places, size=PAIRS), rng.integers(1, 2**30, size=(3, PAIRS))
    first = numbers[0] % views.counts(place)
    again = (first + 1 + numbers[1] % np.maximum(views.counts(place) - 1, 1)) % views.counts(place)
    link = world.links[rng.integers(world.num_links, size=PAIRS)]
    one = np.stack([views.rows(place, first), views.rows(place, again)], 1)
    two = np.stack([views.rows(link[:, side], numbers[side]) for side in (0, 1)], 1)
    near = [lengths_of(latents, pairs) <= agent.threshold for pairs in (one, two)]
    return float((near[0].mean() + (~near[1]).mean()) / 2)
