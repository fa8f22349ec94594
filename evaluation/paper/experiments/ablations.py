"""Ablations: one choice of plan2vec at a time, everything else as it is by default."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from ...protocols.graph_walk import graph_walk
from ...protocols.memory_graph import graph_tasks, memory_graph
from ...protocols.worlds import short_name
from ..lab import AgentCache, Experiment, Method, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import places
from ..lab.scores import averages, both_ways, compact, percent, pooled, rate, row
from .table5 import edge_quality

C_MAZE = "Plan2vec/CMaze-v0"
PRINTED = {"global_metric.algorithm": "amortized_search"}
Options = Mapping[str, Any]

FAMILIES: dict[str, tuple[str, dict[str, Options]]] = {
    "psi": (
        "Dimensions of ψ, the local metric",
        {f"ψ {d}-d": {"local_metric.latent_dim": d} for d in (2, 3, 8, 16)},
    ),
    "members": (
        "Networks of the local metric",
        {f"{n} network{'s' * (n > 1)}": {"local_metric.members": n} for n in (1, 2, 4)},
    ),
    "negatives": (
        "Far pairs of the local metric",
        {
            "hinge at 2 steps": {"local_metric.negatives": "hinge"},
            "smooth L1 to 2 steps (Eq. 5)": {"local_metric.negatives": "smooth_l1"},
            "NCE (Eq. 4)": {"local_metric.negatives": "nce"},
        },
    ),
    "threshold": (
        "Neighbour threshold",
        {f"{t} steps": {"graph.threshold": t} for t in (0.7, 0.9, 1.1, 1.5, 2.0)},
    ),
    "recorded": (
        "Weight of recorded edges",
        {"1": {"graph.recorded_weight": "one"}, "d": {"graph.recorded_weight": "local"}},
    ),
    "phi": (
        "Dimensions of φ",
        {f"φ {d}-d": {"global_metric.latent_dim": d} for d in (2, 3, 8, 32)},
    ),
    "head": (
        "Metric head",
        {
            **{f"ℓp, p = {p}": {"global_metric.head": "lp", "global_metric.head.p": p} for p in (1.0, 1.2, 1.5)},
            "ℓ2": {"global_metric.head": "l2"},
            "ℓp, p = ∞": {"global_metric.head": "lp", "global_metric.head.p": float("inf")},
            "squared ℓ2": {"global_metric.head": "squared-l2"},
            "IQE": {"global_metric.head": "iqe"},
        },
    ),
    "coordinates": (
        "Coordinates in the network",
        {
            f"{'CoordConv' if trunk == 'coord_cnn' else 'plain convolutions'}, φ {d}-d": {
                "global_metric.trunk": trunk,
                "global_metric.latent_dim": d,
            }
            for d in (2, 8)
            for trunk in ("coord_cnn", "cnn")
        },
    ),
    "sampler": (
        "Targets of Algorithm 1",
        {
            "all pairs": {},
            "single pairs, Dijkstra (as printed)": PRINTED,
            "single pairs, A* with D": {**PRINTED, "global_metric.algorithm.search": "a_star"},
            "single pairs, greedy walk by D": {**PRINTED, "global_metric.algorithm.search": "greedy"},
        },
    ),
    "algorithm2": (
        "Algorithm 2, lookahead k",
        {
            f"k = {k}": {"global_metric.algorithm": "value_iteration", "global_metric.algorithm.lookahead": k}
            for k in (1, 2, 3, 5)
        },
    ),
}


@register_experiment
class Ablations(Experiment):
    """Every choice, varied alone."""

    id = "ablations"
    choices = tuple(FAMILIES)
    seeds = 3
    repeats_size = True
    groups = ("families", "family", "name")
    title = "Ablations"
    about = (
        "C-Maze. One choice of plan2vec is varied at a time; local metric and graph are shared where the choice comes "
        "after them. Closed loop within .02 m in 50 steps, and the graph walk with k = 1 on the variant's own graph. "
        "Wormholes: found edges that truly take more than two steps."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per family and seed, one run per variant."""
        runs = []
        families = [family for family in FAMILIES if not plan.only or family in plan.only]
        for family, place in product(families, places(plan, [C_MAZE], self.seeds)):
            group = f"{short_name(place['env_id'])} {family} seed {place['seed']}"
            for label, options in FAMILIES[family][1].items():
                method = _variant(label, options).params(plan.preset)
                runs.append(Run(group, label, {**place, "family": family, "method": method}))
        return runs

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One variant with one seed."""
        source = Source.of(run.params)
        variant = _variant(run.name, FAMILIES[run.params["family"]][1][run.name])
        agent, dataset, tasks = cache.agent(variant, source), cache.dataset(source), cache.tasks(source.env_id)
        graph, stage = on_own_graph(agent, dataset, len(tasks), source.seed)
        return {
            "rows": both_ways(agent, tasks, seed=source.seed) | {"graph": graph},
            "edges": edge_quality(agent, dataset),
            "error": stage.figures["relative_error"],
            "cpu": stage.cpu_seconds,
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success with and without memory."""
        return ", ".join(f"{name} {rate(row['success_02']):.1%}" for name, row in result["rows"].items())

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """A variant over its seeds."""
        return {
            **{name: pooled([run["rows"][name] for run in runs]) for name in _ROWS},
            "wormholes": float(np.mean([run["edges"]["wormholes"] for run in runs])),
            "longest": float(np.max([run["edges"]["longest"] for run in runs])),
            **averages(runs, error=4, cpu=1),
        }

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a family."""
        head = ["", "with memory, %", "memoryless, %", "graph walk, %", "wormholes", "error of D, %", "CPU s of D"]
        return [
            Table(FAMILIES[family][0], head, [row(label, *_cells(found)) for label, found in variants.items()])
            for family, variants in summary["families"].items()
        ]


_ROWS = ("memory", "memoryless", "graph")


def on_own_graph(agent: Any, dataset: Any, num_tasks: int, seed: int) -> tuple[dict[str, Any], Any]:
    """The graph walk of an agent on the graph of its own data, as of `compact`, and its log of distilling."""
    memory = memory_graph(agent, dataset)
    pairs = graph_tasks(memory, num_tasks=num_tasks, seed=seed)
    stage = next(entry for entry in agent.fit_log if entry.stage == "global")
    return compact(graph_walk(agent, memory, pairs, seed=seed)), stage


def _variant(label: str, options: Options) -> Method:
    return Method(label, label, "plan2vec", options)


def _cells(found: dict[str, Any]) -> list[str]:
    cells = []
    for name in _ROWS:
        seeds = [100 * share for share in found[name]["per_seed"]]
        cells.append(f"{percent(found[name]['mean'])}\nseeds {min(seeds):.0f} to {max(seeds):.0f}")
    return [*cells, f"{found['wormholes']:.0f}", f"{100 * found['error']:.1f}", f"{found['cpu']:.0f}"]
