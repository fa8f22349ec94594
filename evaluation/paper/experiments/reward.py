"""The metric as a reward: how many environment steps a policy needs with it, and without."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from ...figures.curves import Line
from ...protocols.rewards import StraightLine
from ...protocols.worlds import short_name
from ...rl.job import SPARSE, STRAIGHT_LINE, RLJob
from ...rl.learning import learn
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import PLAN2VEC
from ..lab.sweeps import sweep

ENOUGH = 0.9
OURS = "plan2vec"
ROOMS = (("Plan2vec/CMaze-v0", 5), ("Plan2vec/Open-v0", 2), ("Plan2vec/Table-v0", 2))
BEHIND_THE_WALL = "around_the_wall"
ALGORITHM_NAMES = {"ppo": "PPO", "dqn": "DQN with hindsight"}
SHAPED_STEPS = {"ppo": 40_000, "dqn": 15_000}
TIMES = 10
"""So many times as many environment steps may be made without the metric."""
SECONDS = 3600.0


class Arm(NamedTuple):
    """What pays the policy."""

    label: str
    """appended to the algorithm's name"""
    reward: str
    mode: str = "shaping"
    size: str | None = None
    """of the metric's data; None for what is asked of all"""

    @property
    def may_take_long(self) -> bool:
        """Whether it has the budget of an arm without the metric."""
        return self.reward == SPARSE


LINE_SEEDS = 3
METRIC, NONE = Arm(" + plan2vec", OURS), Arm("", SPARSE)
FEW = Arm(" + plan2vec of 100 rollouts", OURS, size="100x10")
LINES = (
    Arm(" + straight line (privileged)", STRAIGHT_LINE),
    Arm(", progress by plan2vec alone", OURS, "progress"),
    Arm(", progress by the straight line alone (privileged)", STRAIGHT_LINE, "progress"),
    Arm(", distance by plan2vec alone", OURS, "distance"),
    Arm(", distance by the straight line alone (privileged)", STRAIGHT_LINE, "distance"),
)


def arms_of(env_id: str, algorithm: str, seed: int) -> list[tuple[str | None, Arm]]:
    """(named task or None, arm) of a room; those that get stuck on the first seeds alone."""
    arms: list[tuple[str | None, Arm]] = [(None, METRIC), (None, NONE)]
    if "CMaze" in env_id:
        arms += [(None, FEW), (BEHIND_THE_WALL, METRIC), (BEHIND_THE_WALL, NONE)]
        arms += [(BEHIND_THE_WALL, line) for line in LINES if algorithm == "ppo" and seed < LINE_SEEDS]
    return arms


def _setting(run: Run) -> str:
    job = run.params["job"]
    goal = "random goals" if job["task"] is None else "a fixed goal behind the wall"
    return f"{short_name(job['env_id'])} with {goal}"


def _arm(run: Run) -> str:
    return ALGORITHM_NAMES[run.params["job"]["algorithm"]] + run.params["label"]


def trained(run: Run, cache: AgentCache, agent: Any) -> dict[str, Any]:
    """The policy of the run's job; one that was interrupted goes on from its last evaluation.

    Returns:
        The points of its "curve", and the "share" of the time of training that the metric took.
    """
    folder = cache.root / "policies" / run.group.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    _, curve, share = learn(RLJob(**run.params["job"]), agent, folder)
    return {"curve": [asdict(point) for point in curve], "share": round(share, 4)}


def last_point(result: dict[str, Any]) -> str:
    """What training ended with."""
    last = result["curve"][-1]
    return f"{last['success']:.1%} after {last['steps']:,} steps, {last['wall']:.0f} s"


@register_experiment
class Reward(Experiment):
    """Policies with and without the metric."""

    id = "reward"
    title = "The metric as a reward"
    choices = tuple(ALGORITHM_NAMES)
    groups = ("settings", _setting, _arm)
    about = (
        "Stable-Baselines3's PPO and DQN with hindsight on images, with the environment's own reward of -1 a step and "
        "with plan2vec's metric shaping it; the same hyper-parameters, chosen without the metric. Success on 200 "
        "fixed tasks within .02 m in 50 steps. The metric's own rollouts count as environment steps, and its learning "
        "as seconds. Arms without the metric may take ten times the steps, or an hour."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per arm, each a group of its own."""
        rooms = [(env_id, seeds) for env_id, seeds in ROOMS if env_id in (plan.env_ids or (env_id,))]
        runs = []
        for env_id, seeds in rooms:
            for seed in range(plan.num_seeds(seeds)):
                for algorithm in ALGORITHM_NAMES:
                    if plan.only and algorithm not in plan.only:
                        continue
                    arms = arms_of(env_id, algorithm, seed)
                    runs += [_cell(plan, env_id, seed, algorithm, task, arm) for task, arm in arms]
        return runs

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Trains one policy; an interrupted one goes on from its last evaluation."""
        job = RLJob(**run.params["job"])
        agent, cost = None, {"steps": 0, "cpu": 0.0, "wall": 0.0}
        if job.reward == STRAIGHT_LINE:
            agent = StraightLine(job.env_id, job.obs_type)
        elif job.reward == OURS:
            source = Source(job.env_id, job.size, job.seed, job.obs_type)
            agent = cache.agent(PLAN2VEC, source)
            log, rollouts = agent.fit_log, [int(number) for number in job.size.split("x")]
            cost = {
                "steps": rollouts[0] * rollouts[1],
                "cpu": sum(entry.cpu_seconds for entry in log),
                "wall": sum(entry.wall_seconds for entry in log),
            }
        return trained(run, cache, agent) | {"metric": cost}

    def say(self, result: dict[str, Any]) -> str:
        """The last point."""
        return last_point(result)

    def pool(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The curve of each seed, and where it got to."""
        return [_run(result) for result in runs]

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a setting: what it took to reach 90 %."""
        head = ["", "steps to 90 %", "seeds there", "with the metric's", "CPU minutes"]
        head += ["metric's share, %", "success at the end, %"]
        return [
            Table(f"{setting}: environment steps to 90 %", head, [_row(*arm) for arm in arms.items()], [_NOTE])
            for setting, arms in summary["settings"].items()
        ]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Success against environment steps, a panel a setting."""
        panels = {
            setting: [
                Line(arm, [run["metric_steps"] + at for at in run["steps"]], [100 * s for s in run["success"]])
                for arm, runs in arms.items()
                for run in runs
            ]
            for setting, arms in summary["settings"].items()
        }
        x_label = "environment steps, those of the metric included"
        return [sweep("reward.png", "A curve a seed.", panels, x_label, height=4.6, log_x=True)]


_NOTE = (
    "Median over seeds (least to most), to the first evaluation at 90 %; there is one every 1,000 steps of DQN, 2,000 "
    "of PPO with a metric and 5,000 without, which may have been there as much earlier. A seed that did not get there "
    "counts with all the steps it made, marked >. With the metric's: the steps of its rollouts counted in; CPU minutes "
    "on one core, its learning counted in."
)


def _cell(plan: Plan, env_id: str, seed: int, algorithm: str, task: str | None, arm: Arm) -> Run:
    steps = SHAPED_STEPS[algorithm] if not arm.may_take_long else TIMES * (SHAPED_STEPS[algorithm] + 10_000)
    every = 1_000 if algorithm == "dqn" else 5_000 if arm.may_take_long else 2_000
    size = arm.size or plan.rollouts
    if not plan.preset.comparable:
        size, steps = plan.rollouts, max(1_100, int(8_000 * plan.preset.steps))
    job = RLJob(
        env_id=env_id,
        algorithm=algorithm,
        reward=arm.reward,
        mode=arm.mode,
        seed=seed,
        task=task,
        steps=steps,
        size=size,
        every=min(steps // 2, every),
        num_tasks=plan.preset.tasks,
        stop_at=0.95,
        max_seconds=SECONDS,
        device=plan.device,
    )
    who = (
        f"{algorithm} {arm.reward}{'' if arm.mode == 'shaping' else ' ' + arm.mode}{' ' + arm.size if arm.size else ''}"
    )
    name = f"{short_name(env_id)}{'' if task is None else ' ' + task} {who} seed {seed}"
    return Run(f"{plan.preset.name} {name}", who, {"job": asdict(job), "label": arm.label})


def _run(result: dict[str, Any]) -> dict[str, Any]:
    curve = result["curve"]
    there = next((point for point in curve if point["success"] >= ENOUGH), None)
    last = there or curve[-1]
    return {
        "steps": [point["steps"] for point in curve],
        "success": [round(point["success"], 4) for point in curve],
        "reached": there is not None,
        "to_enough": last["steps"],
        "wall": round(last["wall"], 1),
        "cpu": round(last["cpu"], 1),
        "metric_share": result["share"],
        "metric_steps": result["metric"]["steps"],
        "metric_wall": round(result["metric"]["wall"], 1),
        "metric_cpu": round(result["metric"]["cpu"], 1),
    }


def _row(arm: str, runs: list[dict[str, Any]]) -> tuple[str, list[str]]:
    reached = sum(run["reached"] for run in runs)
    steps = [run["to_enough"] for run in runs]
    own = [run["to_enough"] + run["metric_steps"] for run in runs]
    minutes = [(run["cpu"] + run["metric_cpu"]) / 60 for run in runs]
    mark = "" if reached == len(runs) else "> "
    return "ours" if OURS in arm else "privileged" if "privileged" in arm else "", [
        arm,
        f"{mark}{np.median(steps):,.0f} ({min(steps):,} to {max(steps):,})",
        f"{reached} of {len(runs)}",
        f"{mark}{np.median(own):,.0f}",
        f"{mark}{np.median(minutes):.1f}",
        f"{100 * np.median([run['metric_share'] for run in runs]):.1f}",
        f"{100 * np.median([run['success'][-1] for run in runs]):.1f}",
    ]
