"""How the hyper-parameters of `plan2vec sb3` were chosen: without the metric, one change at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...rl.algorithms import get_algorithm
from ...rl.job import SPARSE, RLJob
from ..lab import AgentCache, Experiment, Plan, Run, Table, register_experiment
from ..lab.scores import row
from .reward import last_point, trained

ENOUGH = 0.9
SEED = 100
"""Not one of the seeds that are judged by."""
STEPS = {"ppo": 120_000, "dqn": 20_000}

CHANGES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "ppo": (
        {},
        {"gae_lambda": 0.95},
        {"gae_lambda": 0.8},
        {"gae_lambda": 0.4},
        {"learning_rate": 5e-4},
        {"learning_rate": 2e-3},
        {"n_epochs": 16},
        {"n_steps": 128},
    ),
    "dqn": (
        {},
        {"learning_rate": 5e-4},
        {"learning_rate": 2e-3},
        {"gradient_steps": 8},
        {"tau": 0.01},
        {"tau": 0.05},
        {"tau": 0.2},
    ),
}


@register_experiment
class Tuning(Experiment):
    """The environment's own reward, in C-Maze."""

    id = "tuning"
    title = "Hyper-parameters of PPO and DQN, chosen without the metric"
    choices = tuple(CHANGES)
    groups = ("algorithms", "name", "change")
    about = (
        "C-Maze, images, random goals, the environment's own reward of -1 a step: environment steps to 90 % of 200 "
        "fixed tasks (PPO), or success after 20,000 steps (DQN), with one change at a time from what is used. "
        f"Seed {SEED}, which is not one of those that are judged by."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per change, each a group of its own."""
        return [
            _cell(plan, algorithm, change, SEED + i)
            for algorithm in plan.only or CHANGES
            for change in CHANGES[algorithm]
            for i in range(plan.num_seeds(1))
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Trains one policy; an interrupted one goes on from its last evaluation."""
        return {"curve": trained(run, cache, None)["curve"]}

    def say(self, result: dict[str, Any]) -> str:
        """The last point."""
        return last_point(result)

    def pool(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Where each seed stopped."""
        ends = [run["curve"][-1] for run in runs]
        return [
            {"steps": end["steps"], "success": round(end["success"], 4), "wall": round(end["wall"], 1)} for end in ends
        ]

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table an algorithm, the first row what is used."""
        head = ["change", "steps", "success there, %", "minutes"]
        return [
            Table(
                f"{name.upper()} without the metric, one change at a time", head, [_row(*each) for each in runs.items()]
            )
            for name, runs in summary["algorithms"].items()
        ]


def _cell(plan: Plan, algorithm: str, change: dict[str, Any], seed: int) -> Run:
    steps = STEPS[algorithm] if plan.preset.comparable else max(1_100, int(8_000 * plan.preset.steps))
    own = {name: value for name, value in change.items() if name != "gamma"}
    job = RLJob(
        env_id="Plan2vec/CMaze-v0",
        algorithm=algorithm,
        reward=SPARSE,
        gamma=change.get("gamma", RLJob.gamma),
        seed=seed,
        steps=steps,
        every=min(steps // 2, 5_000 if algorithm == "ppo" else 2_000),
        num_tasks=plan.preset.tasks,
        stop_at=ENOUGH,
        device=plan.device,
        options=own,
    )
    standard = {"gamma": RLJob.gamma, **get_algorithm(algorithm).options}
    label = ", ".join(f"{name} {standard.get(name, 'default')} → {value}" for name, value in change.items())
    name = "-".join(f"{name}-{value:g}" for name, value in change.items()) or "as-used"
    group = f"{plan.preset.name} tuning {algorithm} {name} seed {seed}"
    return Run(group, algorithm, {"job": asdict(job), "change": label or "as it is used"})


def _row(change: str, runs: list[dict[str, Any]]) -> tuple[str, list[str]]:
    return row(
        change,
        " · ".join(f"{'' if run['success'] >= ENOUGH else '> '}{run['steps']:,}" for run in runs),
        " · ".join(f"{100 * run['success']:.1f}" for run in runs),
        " · ".join(f"{run['wall'] / 60:.1f}" for run in runs),
        ours=change == "as it is used",
    )
