"""Visual plans of the rope (Sec. 5.2): could a rope follow them, and what do they cost?"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from agents import Plan2VecWaypoints, Plan2VecWaypointsConfig
from agents.plan2vec.presets import FEATURELESS_ROPE, ROPE
from agents.training.config_json import to_dict
from data_collection import Dataset
from data_collection.collection.rope import collect_rope
from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT as RADIUS

from ...protocols.stats import interval
from ..lab import AgentCache, Experiment, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import averages, bits, flags, means, number, percent, plain, row, successes
from ..rope.rope_plans import (
    PLANNERS,
    hausdorff,
    largest_displacements,
    largest_visible_gaps,
    plan_all,
    rope_pixels,
    rope_tasks,
)
from ..streets.street_walk import by_latents

LOOKS = {"ordered": "order visible", "featureless": "featureless"}
GRAPHS: dict[str, tuple[str, dict[str, Any]]] = {
    "calibrated": ("calibrated threshold", {}),
    "naive": ("threshold 2 steps", {"graph.threshold": 2.0}),
}
KINDS = {"same": "one sequence", "across": "two sequences"}
_PLANNER = {
    "dijkstra": "Dijkstra",
    "best-first": "best-first by D",
    "one-visited": "one look-up, visited set",
    "one-memoryless": "one look-up, memoryless",
}


@register_experiment
class RopePlans(Experiment):
    """Shares of plans in which every step is small, by look of the rope, graph and planner."""

    id = "rope"
    title = "Sec. 5.2: plans through pictures of a rope"
    choices = (*LOOKS, *GRAPHS)
    seeds = 3
    groups = ("looks", "look", "name")
    about = (
        "18 sequences of random drags, 14,058 pictures; local metric, graph and table of latents as `ROPE` and "
        "`FEATURELESS_ROPE` in `agents/plan2vec/presets.py`. 200 pairs of pictures of one sequence and 200 of two. A "
        f"plan is possible if in each of its steps no node of the rope moves {RADIUS:g} px or more, twice what 95 % of "
        "recorded steps stay below; the nodes are ground truth, of this evaluation alone. Visibly small: the Hausdorff "
        "distance of the ropes seen in two pictures in a row stays below twice that of 95 % of recorded steps. Plans "
        "go along recorded steps in both directions and found edges; bridges, which only make D finite, are not gone."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per look and seed, one run per graph."""
        seeds = range(plan.num_seeds(self.seeds))
        axes = {"look": plan.chosen(LOOKS), "seed": seeds, "graph": plan.chosen(GRAPHS)}
        return crossed(
            "{look} seed {seed}",
            "{graph}",
            axes,
            size=[18, 780] if plan.preset.comparable else [4, 100],
            config=lambda at: to_dict(config_of(at["look"], at["graph"], plan.preset.steps)),
            **plan.effort,
        )

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Learns one graph and plans on it."""
        params = run.params
        dataset = recorded(params["seed"], params["look"] == "ordered", *params["size"])
        agent = fitted(params["seed"], params["look"] == "ordered", *params["size"], params["graph"], params["steps"])
        graph = agent.graph.without_bridges()
        nodes = np.asarray(dataset.oracle_position, np.float64)
        step = dataset.transitions
        seen = largest_recorded_gap(dataset)
        ends = np.stack([graph.starts, graph.indices], 1)[graph.inferred]
        away = node_displacement(nodes[ends[:, 0]], nodes[ends[:, 1]])
        recorded_steps = node_displacement(nodes[step[:, 0]], nodes[step[:, 1]])
        result: dict[str, Any] = {
            "cpu": round(sum(log.cpu_seconds for log in agent.fit_log), 1),
            "found": len(ends) // 2,
            "false": round(float((away >= RADIUS).mean()), 5) if len(ends) else 0.0,
            "step_95": round(float(np.quantile(recorded_steps, 0.95)), 3),
            "megabytes": agent.fit_log[-1].figures["megabytes"],
        }
        distance = by_latents(agent.vertex_embeddings, agent.between)
        for kind in KINDS:
            rng = np.random.default_rng([params["seed"], 7])
            tasks = rope_tasks(dataset, params["tasks"], rng, across=kind == "across")
            for name, plans in plan_all(graph, distance, tasks.start, tasks.goal).items():
                moved = largest_displacements(plans, nodes)
                gaps = largest_visible_gaps(plans, dataset.observations)
                hops = np.maximum(plans.hops, 1)
                ok = plans.success
                result[f"{kind} {name}"] = {
                    "reached": bits(ok),
                    "small": bits(ok & (moved < RADIUS)),
                    "seen": bits(ok & (gaps <= 2 * seen)),
                    "hops": round(float(plans.hops[ok].mean()), 2) if ok.any() else None,
                    "expanded": round(float((plans.expanded[ok] / hops[ok]).mean()), 3) if ok.any() else None,
                    "recorded": round(float(tasks.recorded[ok].mean()), 1) if kind == "same" and ok.any() else None,
                }
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Dijkstra and one look-up between two sequences."""
        shares = []
        for name in ("dijkstra", "one-visited"):
            found = result[f"across {name}"]
            reached, small = flags(found["reached"]), flags(found["small"])
            shares.append(f"{name} {reached.mean():.0%} reached, {small.sum() / max(reached.sum(), 1):.0%} possible")
        return "; ".join(shares)

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of a graph; shares of plans that reached their goal over all of them."""
        pooled: dict[str, Any] = {**means(runs, "cpu", "found", "false", "megabytes")}
        for key in (f"{kind} {name}" for kind, name in product(KINDS, PLANNERS)):
            each = [run[key] for run in runs]
            pooled[key] = successes(each, "reached") | averages(each, hops=3, expanded=3, recorded=3)
            for name in ("small", "seen"):
                good = np.concatenate([flags(run[name])[flags(run["reached"])] for run in each])
                pooled[key][name] = vars(interval(good[None] if len(good) else np.zeros((1, 1), bool)))
        return pooled

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a look; then the graphs."""
        head = ["%, of all pairs or of plans", "reached", "possible, of those reached", "visibly small, of those"]
        head += ["edges", "recorded", "expanded a step"]
        note = f"{summary['seeds']} seeds x {summary['tasks']} pairs a row; mean [95 % stratified bootstrap or Wilson]."
        tables, graphs = [], []
        for look, found in summary["looks"].items():
            rows = []
            for graph, pooled in found.items():
                ours = graph == "calibrated"
                for kind, name in product(KINDS, PLANNERS):
                    one = pooled[f"{kind} {name}"]
                    label = f"{GRAPHS[graph][0]}, {KINDS[kind]}, {_PLANNER[name]}"
                    shares = [percent(one[key]) for key in ("reached", "small", "seen")]
                    counts = [number(one[key], ".1f") for key in ("hops", "recorded")]
                    rows.append(row(label, *shares, *counts, number(one["expanded"], ".2f"), ours=ours))
                cells = [f"{pooled['found']['value']:,.0f}", plain(pooled["false"], ".2f", 100)]
                cells += [f"{pooled['cpu']['value']:.0f}", f"{pooled['megabytes']['value']:.1f}"]
                graphs.append(row(f"{LOOKS[look]}, {GRAPHS[graph][0]}", *cells, ours=ours))
            tables.append(Table(f"{LOOKS[look]}: plans", head, rows, [note]))
        edge_head = ["", "found edges", f"of them {RADIUS:g} px or more, %", "CPU s to learn", "MB to keep"]
        return [*tables, Table("Graphs", edge_head, graphs)]


@lru_cache(maxsize=1)
def recorded(seed: int, ordered: bool, sequences: int, steps: int) -> Dataset:
    """The rollouts."""
    return collect_rope(sequences, steps, seed=seed, ordered=ordered, progress=False)


def config_of(look: str, graph: str, factor: float) -> Plan2VecWaypointsConfig:
    """Of an agent, by the rope's look and the kind of graph; gradient steps times a factor."""
    base = ROPE if look == "ordered" else FEATURELESS_ROPE
    return configured(replace(base, graph=replace(base.graph, both_ways=True)), GRAPHS[graph][1], factor)


@lru_cache(maxsize=1)
def fitted(seed: int, ordered: bool, sequences: int, steps: int, graph: str, factor: float) -> Plan2VecWaypoints:
    """Graph and table, without a policy."""
    dataset = recorded(seed, ordered, sequences, steps)
    config = config_of("ordered" if ordered else "featureless", graph, factor)
    pictures = Dataset(dataset.observations, None, dataset.episode_lengths, env_id=dataset.env_id)
    return Plan2VecWaypoints(config).fit(pictures, seed=seed, progress=False)


def largest_recorded_gap(dataset: Dataset) -> float:
    """The Hausdorff distance that 95 % of recorded steps stay below, in pixels."""
    steps = dataset.transitions[:: max(1, len(dataset.transitions) // 1000)]
    shapes = dataset.observations
    return float(np.quantile([hausdorff(rope_pixels(shapes[a]), rope_pixels(shapes[b])) for a, b in steps], 0.95))
