"""Fig. 3: memoryless sampling against search, by the hops between start and goal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...figures.curves import Line
from ...protocols.memory_graph import memory_graph
from ...protocols.stats import wilson
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Method, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import BY_KEY, PLAN2VEC, RANDOM_NETWORK, SPTM_1, runs_of
from ..lab.scores import percent, row
from ..lab.sweeps import sweep
from ..protocols.planning_cost import success_by_hops

METHODS = (PLAN2VEC, SPTM_1, RANDOM_NETWORK)


@register_experiment
class Fig3(Experiment):
    """Who meets its goal, and how far away."""

    id = "fig3"
    choices = tuple(method.key for method in METHODS)
    seeds = 5
    repeats_size = True
    groups = ("rooms", "room", "name")
    title = "Fig. 3: memoryless sampling against search"
    about = (
        "Pairs on the memory graph that are so many hops apart. Walkers without memory have 50 hops; best-first search "
        "by the same distance has 50 expansions. A metric that is right makes the walk as good as the search; with "
        "one that is not, only a search that remembers gets anywhere."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per room, seed and metric."""
        return runs_of(plan, METHODS, ROOMS)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """All samplers by one metric."""
        source = Source.of(run.params)
        method = BY_KEY[run.name]
        memory = memory_graph(cache.agent(PLAN2VEC, source), cache.dataset(source))
        hops, found = success_by_hops(cache.agent(method, source), memory, seed=source.seed)
        return {
            "success": {
                name: {str(hop): [int(met[hops == hop].sum()), int((hops == hop).sum())] for hop in np.unique(hops)}
                for name, met in found.items()
            }
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success of the greedy walk over all hops."""
        hits, tried = np.sum(list(result["success"]["greedy"].values()), axis=0)
        return f"greedy {hits / tried:.1%}"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Samplers -> hops -> Wilson intervals over all attempts."""
        counts: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for run in runs:
            for sampler, by_hop in run["success"].items():
                for hop, pair in by_hop.items():
                    counts.setdefault(sampler, {}).setdefault(hop, []).append(pair)
        return {sampler: {hop: _rate(pairs) for hop, pairs in by_hop.items()} for sampler, by_hop in counts.items()}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a room."""
        tables = []
        for room, metrics in summary["rooms"].items():
            hops = sorted({int(hop) for m in metrics.values() for by_hop in m.values() for hop in by_hop})
            rows = []
            for method, sampler, label, by_hop in _compared(metrics):
                if sampler not in _BLIND or method.key == next(iter(metrics)):  # the same for every metric
                    cells = [percent(by_hop.get(str(hop))) for hop in hops]
                    rows.append(row(label, *cells, ours=method == PLAN2VEC and sampler not in _BLIND))
            tables.append(Table(f"{room}: success by hops, %", ["", *(f"{hop} hops" for hop in hops)], rows))
        return tables

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a room."""
        panels: dict[str, list[Line]] = {}
        for room, metrics in summary["rooms"].items():
            for method, sampler, label, by_hop in _compared(metrics):
                if sampler in ("greedy", "best-first search", *_BLIND):
                    look = {"faint": sampler == "greedy", "like": label if sampler in _BLIND else method.label}
                    line = Line.of_shares(label, [int(hop) for hop in by_hop], by_hop.values(), **look)
                    panels.setdefault(room, []).append(line)
        caption = "Dashed: a memoryless greedy walk; solid: a search that remembers, with as many expansions as hops."
        return [sweep("fig3.png", caption, panels, "hops from start to goal", height=4.4)]


_BLIND = ("random walk", "dijkstra, no limit")
"""Samplers that ask no metric."""


def _compared(metrics: dict[str, Any]) -> Iterator[tuple[Method, str, str, dict[str, Any]]]:
    """Method, sampler, what both are called together, success by hops."""
    for method in METHODS:
        for sampler, by_hop in metrics.get(method.key, {}).items():
            yield method, sampler, sampler if sampler in _BLIND else f"{sampler}, {method.label}", by_hop


def _rate(pairs: list[tuple[int, int]]) -> dict[str, float]:
    hits, tried = np.sum(pairs, axis=0)
    return vars(wilson(np.arange(tried) < hits))
