"""Fig. 3: memoryless sampling against search, by the hops between start and goal."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...figures import curves
from ...protocols.memory_graph import memory_graph
from ...protocols.stats import wilson
from ...report.published import ROOMS
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import BY_KEY, PLAN2VEC, RANDOM_NETWORK, SPTM_1, runs_of
from ..lab.scores import grouped, percent
from ..protocols.planning_cost import success_by_hops

METHODS = (PLAN2VEC, SPTM_1, RANDOM_NETWORK)


@register_experiment
class Fig3(Experiment):
    """Who meets its goal, and how far away."""

    id = "fig3"
    choices = tuple(method.key for method in METHODS)
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

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rooms -> metrics -> samplers -> hops -> Wilson intervals over all attempts."""
        rooms = grouped(found, ("room", "name"), _rates)
        return {"size": plan.rollouts, "seeds": plan.num_seeds(5), "rooms": rooms}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a room."""
        tables = []
        for room, metrics in summary["rooms"].items():
            hops = sorted({int(hop) for m in metrics.values() for by_hop in m.values() for hop in by_hop})
            rows = []
            for method in METHODS:
                for sampler, by_hop in metrics.get(method.key, {}).items():
                    if method.key != next(iter(metrics)) and sampler in _BLIND:
                        continue  # the same for every metric
                    label = sampler if sampler in _BLIND else f"{sampler}, {method.label}"
                    kind = "ours" if method == PLAN2VEC and sampler not in _BLIND else ""
                    rows.append((kind, [label, *(percent(by_hop.get(str(hop))) for hop in hops)]))
            tables.append(Table(f"{room}: success by hops, %", ["", *(f"{hop} hops" for hop in hops)], rows))
        return tables

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a room."""
        panels = []
        for room, metrics in summary["rooms"].items():
            lines = []
            for method in METHODS:
                for sampler, by_hop in metrics.get(method.key, {}).items():
                    if sampler in ("greedy", "best-first search", *_BLIND):
                        label = sampler if sampler in _BLIND else f"{sampler}, {method.label}"
                        x, look = [int(hop) for hop in by_hop], {"faint": sampler == "greedy"}
                        own = label if sampler in _BLIND else method.label
                        lines.append(curves.Line.of_shares(label, x, by_hop.values(), like=own, **look))
            panels.append(curves.Panel(room, "hops from start to goal", "success, %", lines))
        caption = "Dashed: a memoryless greedy walk; solid: a search that remembers, with as many expansions as hops."
        return [Figure("fig3.png", curves.curves_figure(panels, height=4.4), caption)]


_BLIND = ("random walk", "dijkstra, no limit")
"""Samplers that ask no metric."""


def _rates(results: list[dict[str, Any]]) -> dict[str, Any]:
    counts: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for result in results:
        for sampler, by_hop in result["success"].items():
            for hop, pair in by_hop.items():
                counts.setdefault(sampler, {}).setdefault(hop, []).append(pair)
    return {sampler: {hop: _rate(pairs) for hop, pairs in by_hop.items()} for sampler, by_hop in counts.items()}


def _rate(pairs: list[tuple[int, int]]) -> dict[str, float]:
    hits, tried = np.sum(pairs, axis=0)
    return vars(wilson(np.arange(tried) < hits))
