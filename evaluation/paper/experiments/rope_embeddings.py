"""What the embedding of a rope's pictures is worth on sequences that it has never seen."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from agents.graphs.graph import Graph
from agents.graphs.search import SearchBudget, greedy_walk
from agents.graphs.shortest_paths import distances_from
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.metrics.global_metric import GlobalMetric, GlobalMetricConfig
from agents.metrics.local import LocalMetric
from agents.metrics.tables.anchored import AnchoredConfig, AnchoredMetric
from agents.metrics.tables.table_embedding import embed_table
from agents.training.loop import Training, resolve_device
from agents.training.workdir import Workdir
from data_collection import Dataset
from data_collection.splits import fold_episodes

from ..lab import AgentCache, Experiment, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import Column, bits, means, percent, plain, rate, successes, table
from ..rope.rope_plans import LIMIT
from ..streets.street_walk import by_latents
from .rope import config_of, recorded

EMBEDDINGS = {
    "anchored": "anchored: the local metric and a table",
    "features": "network on the frozen local latents",
    "end-to-end": "network from images",
}
_BLOCKS = LandmarkRegressionConfig(steps=3000, batch_sources=128)
NETWORK = {
    "features": GlobalMetricConfig("pooled_mlp", latent_dim=64, hidden=512, algorithm=_BLOCKS),
    "end-to-end": GlobalMetricConfig("grey_levels", latent_dim=64, hidden=512, algorithm=_BLOCKS),
}
FOLDS = 9  # of 2 of 18 sequences


@register_experiment
class RopeEmbeddings(Experiment):
    """Error of D and success of one look-up a step, on sequences seen and not seen, by embedding."""

    id = "rope-embeddings"
    title = "Rope: embeddings on sequences that they were not trained on"
    choices = tuple(EMBEDDINGS)
    seeds = 3
    groups = ("embeddings", "name")
    about = (
        "Order visible. Local metric, graph and embedding come from 16 of 18 sequences; then the pictures of the other "
        "two join the graph, by the same local metric, and are embedded. Pairs of seen pictures, and pairs of unseen "
        "ones. Error: of D against the shortest way on the whole graph. One look-up a step with a visited set, "
        f"{LIMIT} steps at most."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per seed, one run per embedding."""
        size = [18, 780] if plan.preset.comparable else [18, 30]
        axes = {"seed": range(plan.num_seeds(self.seeds)), "embedding": plan.only or EMBEDDINGS}
        return crossed("seed {seed}", "{embedding}", axes, size=size, **plan.effort)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One embedding."""
        params = run.params
        world = _split(params["seed"], *params["size"], params["steps"])
        training = cache.plan.training(params["seed"])
        training.clock.begin()
        latents, between = _embedded(params["embedding"], world, params["steps"], training)
        result: dict[str, Any] = {"cpu": round(training.clock.spent()[1], 1)}
        graph, distance = world.graph.without_bridges(), by_latents(latents, between)
        rng = np.random.default_rng([params["seed"], 11])
        rows = {"seen": np.flatnonzero(~world.unseen), "unseen": np.flatnonzero(world.unseen)}
        for name, pool in rows.items():
            starts, goals = rng.choice(pool, (2, params["tasks"]))
            truth = distances_from(world.graph, starts)[np.arange(len(starts)), goals]
            found = between(latents[starts], latents[goals])
            walks = greedy_walk(graph, starts, goals, distance, SearchBudget(max_expansions=LIMIT), avoid_visited=True)
            result[name] = bits(walks.success)
            result[f"{name} error"] = round(float((np.abs(found - truth) / (truth + 1)).mean()), 4)
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Both successes."""
        return ", ".join(f"{name} {rate(result[name]):.0%}" for name in ("seen", "unseen"))

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of an embedding."""
        return successes(runs, "seen", "unseen") | means(runs, "seen error", "unseen error", "cpu")

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        columns: list[Column] = [
            ("seen: error of D, %", lambda found: plain(found["seen error"], ".1f", 100)),
            ("goals reached, %", lambda found: percent(found["seen"])),
            ("unseen: error of D, %", lambda found: plain(found["unseen error"], ".1f", 100)),
            ("goals reached, %", lambda found: percent(found["unseen"])),
            ("CPU s", lambda found: f"{found['cpu']['value']:.0f}"),
        ]
        rows = [("", EMBEDDINGS[name], found) for name, found in summary["embeddings"].items()]
        note = f"{summary['seeds']} seeds x {summary['tasks']} pairs; mean [95 % interval]. CPU s: of the embedding."
        return [table("Embeddings of the rope", "", columns, rows, note)]


class _World(NamedTuple):
    frames: np.ndarray
    local: LocalMetric
    latents: np.ndarray
    unseen: np.ndarray
    known: Graph
    graph: Graph


@lru_cache(maxsize=1)
def _split(seed: int, sequences: int, steps: int, factor: float) -> _World:
    """The local metric of 16 sequences, their graph, and that of all, connected by bridges."""
    dataset = recorded(seed, True, sequences, steps).without_oracle()
    learn, held_out = fold_episodes(dataset.num_episodes, 0, FOLDS, seed)
    config = config_of("ordered", "calibrated", factor)
    training = Training(seed, Workdir(None), resolve_device("cpu"), progress=False)
    known_part, others = dataset.take_episodes(learn), dataset.take_episodes(held_out)
    local, _ = LocalMetric.fit(config.local_metric, known_part, others, training)
    latents = local.embed(dataset.observations)
    unseen = np.isin(dataset.episode_ids, held_out)

    def graph_of(part: Dataset, found: np.ndarray) -> Graph:
        rows = np.arange(len(found))
        return config.graph.build(part, rows, found, local.threshold, config.local_metric.members)

    known = graph_of(known_part, latents[~unseen])
    return _World(dataset.observations, local, latents, unseen, known, graph_of(dataset, latents))


def _embedded(name: str, world: _World, factor: float, training: Training) -> tuple[np.ndarray, Any]:
    """Latents (N, D) of all pictures, and the distance between such."""
    seen = ~world.unseen
    if name == "anchored":
        config = config_of("ordered", "calibrated", factor)
        assert isinstance(config.global_metric, AnchoredConfig)
        anchored = config.global_metric
        table, _ = embed_table(anchored.table, world.known, np.random.default_rng(training.seed))
        metric: Any = AnchoredMetric(anchored.anchors, world.local, world.latents[seen], np.arange(len(table)), table)
        return metric.embed(world.frames), metric.between
    problem = world.latents if name == "features" else world.frames
    chosen = configured(NETWORK[name], {}, factor)
    nothing = np.zeros(int(seen.sum()), bool)
    metric, _ = GlobalMetric.fit(chosen, problem[seen], nothing, world.known, training)
    return metric.embed(problem), metric.between
