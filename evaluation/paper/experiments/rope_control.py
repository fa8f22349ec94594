"""The rope, dragged by what agents see: how many goals they reach (Sec. 5.2, which shows plans and drags nothing)."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np

from agents import get_agent
from agents.control.inverse_model import InverseModelConfig
from agents.plan2vec.presets import ROPE
from agents.training.config_json import to_dict

from ..figures.rope import drags_gif
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import Column, bits, means, percent, plain, rate, successes, table
from ..rope.rope_control import RopeRuns, drag_to_goals
from .rope import recorded

_BY_METRIC = {
    "control.lookahead.distance_source": "metric",
    "control.lookahead.nearest": 60,
    "control.lookahead.off_graph_weight": 3.0,
    "memory.visit_penalty": 1.0,
    "memory.visit_radius": 2.0,
}
AGENTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "plan2vec": ("plan2vec, forward model, ways on the graph", "plan2vec-waypoints", {}),
    "metric": ("plan2vec, forward model, D alone", "plan2vec-waypoints", _BY_METRIC),
    "sptm-1-step": ("local metric and forward model, no graph", "sptm-1-step", {}),
    "sptm": ("SPTM: ways on the graph, inverse model", "sptm", {}),
    "vae": ("VAE and forward model", "vae", {}),
    "random": ("random actions", "random", {}),
}
"""Key -> what the table calls it, the agent, options."""
_SHOWN = 3  # tasks in the animation


@register_experiment
class RopeControl(Experiment):
    """Success and steps by agent."""

    id = "rope-control"
    title = "Sec. 5.2: plans that a rope carries out"
    choices = tuple(AGENTS)
    seeds = 3
    groups = ("agents", "name")
    about = (
        "Agents learn from the pictures and actions of 18 sequences of random drags (14,058 pictures) and then drag "
        "the rope of `Plan2vec/Rope-v0` until no node is 5 px or more from its place in the picture of the goal, "
        "within 200 actions; the environment's own draws for seeds 10000 and up, the same tasks for all. All see "
        "pictures alone, have a memory, and choose among 256 recorded actions; forward models are of one size. "
        "Settings were chosen on other tasks (seeds 20000 and up) and data seeds 1 and 2."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per seed, one run per agent."""
        size = [18, 780] if plan.preset.comparable else [4, 100]
        return crossed(
            "seed {seed}",
            "{agent}",
            {"seed": range(plan.num_seeds(self.seeds)), "agent": plan.only or AGENTS},
            size=size,
            tasks=min(plan.preset.tasks, 100) if plan.preset.comparable else 4,
            horizon=200 if plan.preset.comparable else 20,
            steps=plan.preset.steps,
            config=lambda at: to_dict(_agent(at["agent"], plan.preset.steps).config),
        )

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Fits one agent and lets it drag."""
        params = run.params
        dataset = recorded(params["seed"], True, *params["size"]).without_oracle()
        agent = _agent(params["agent"], params["steps"]).fit(dataset, seed=params["seed"], progress=False)
        runs = drag_to_goals(agent, params["tasks"], horizon=params["horizon"], seed=params["seed"])
        solved = runs.success
        return {
            "solved": bits(solved),
            "steps": round(float(runs.steps[solved].mean()), 2) if solved.any() else None,
            "least": round(float(np.median(runs.least[~solved])), 2) if not solved.all() else None,
            "cpu": round(sum(log.cpu_seconds for log in agent.fit_log), 1),
            "milliseconds": round(1e3 * runs.seconds_per_decision, 3),
            "gif": _animation(runs) if (params["agent"], params["seed"]) == ("plan2vec", 0) else None,
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success."""
        return f"{rate(result['solved']):.0%} solved"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of an agent."""
        per_seed = [round(rate(run["solved"]), 4) for run in runs]
        shares = successes(runs, "solved")
        return {**shares, "per_seed": per_seed, **means(runs, "steps", "least", "cpu", "milliseconds")}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        columns: list[Column] = [
            ("goals reached, %", lambda found: percent(found["solved"])),
            ("by seed", lambda found: " · ".join(f"{100 * each:.0f}" for each in found["per_seed"])),
            ("actions, where reached", lambda found: plain(found["steps"], ".0f")),
            ("px at best, where not", lambda found: plain(found["least"], ".1f")),
            ("CPU s to learn", lambda found: f"{found['cpu']['value']:.0f}"),
            ("ms a decision", lambda found: f"{found['milliseconds']['value']:.1f}"),
        ]
        rows = [(name == "plan2vec", AGENTS[name][0], found) for name, found in summary["agents"].items()]
        note = f"{summary['seeds']} seeds, mean [95 % interval]."
        return [table("Goals reached by dragging", "", columns, rows, note)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A few of the tasks that the first agent solved."""
        return [
            Figure("rope.gif", base64.b64decode(result["gif"]), "The rope, its goal in red, and the hand in orange.")
            for _, result in found
            if result["gif"]
        ]


def _agent(name: str, factor: float) -> Any:
    """The agent of that key, not fitted; it takes over what of the rope's settings it has a use for."""
    _, kind, options = AGENTS[name]
    agent_class = get_agent(kind)
    if kind == "random":
        return agent_class()
    if kind == "plan2vec-waypoints":
        return agent_class(configured(ROPE, options, factor))
    base = agent_class().config
    shared: dict[str, Any] = {"local_metric": ROPE.local_metric}
    if kind == "sptm":
        shared |= {"inverse_model": InverseModelConfig(trunk="grey_levels")}
    else:
        assert ROPE.forward is not None
        shared |= {"forward_model": ROPE.forward.forward_model}
    return agent_class(configured(replace(base, **shared), options, factor))


def _animation(runs: RopeRuns) -> str | None:
    """Base64 of a GIF of the first tasks that were solved."""
    chosen = np.flatnonzero(runs.success)[:_SHOWN]
    if not len(chosen):
        return None
    return base64.b64encode(drags_gif([runs.nodes[j] for j in chosen], runs.goals[chosen])).decode()
