"""Fig. 6a: success against the number of rollouts, plan2vec and DQN on the same fixed data."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ...figures.curves import Line
from ...protocols.worlds import short_name
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import BY_KEY, DQN, DQN_POSE, PLAN2VEC, among, places
from ..lab.scores import both_ways, percent, rate, success
from ..lab.sweeps import sweep
from ..protocols.online_dqn import online_dqn

METHODS = (PLAN2VEC, DQN, DQN_POSE)
STUDIES = (
    ("state", ("Plan2vec/Open-v0", "Plan2vec/CMaze-v0"), (5, 10, 20, 50, 200, 600, 2000), 5),
    ("image", ("Plan2vec/Open-v0",), (30, 200, 1000), 3),
)
"""Kind of observation, rooms, rollouts, seeds."""
SMOKE = (10, 50)
HORIZON = 10
ENOUGH = 0.95
ONLINE, ONLINE_ROOM, ONLINE_STEPS = "online DQN", "Plan2vec/Open-v0", 20_000


@register_experiment
class Fig6a(Experiment):
    """Sample complexity."""

    id = "fig6a"
    choices = tuple(method.key for method in METHODS)
    varies_size = True
    title = "Fig. 6a: success against the number of rollouts"
    about = (
        "Closed loop, within .02 m in 50 steps. Each point learns from nothing but so many random rollouts of 10 "
        "steps, the same for every agent: plan2vec learns its local metric from them too. DQN is fitted on the same "
        "transitions with hindsight goals and no environment step, with a reward for the identical frame alone: the "
        "information that plan2vec has. With --only dqn-pose its reward comes from true poses (privileged)."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per kind of observation, room and seed; one run per size and method. Then DQN with interaction."""
        offline, methods = [], among(plan, METHODS) if plan.only else METHODS[:2]
        for obs_type, env_ids, sizes, seeds in STUDIES:
            for place in places(plan, env_ids, seeds):
                group = f"{obs_type} {short_name(place['env_id'])} seed {place['seed']}"
                for size, method in product(sizes if plan.preset.comparable else SMOKE, methods):
                    how = {"obs_type": obs_type, "rollouts": size, "method": method.params(plan.preset)}
                    offline.append(Run(group, f"{size} {method.key}", {**place, "size": f"{size}x{HORIZON}", **how}))
        steps = ONLINE_STEPS if plan.preset.comparable else ONLINE_STEPS // 8
        return offline + [
            Run(f"online {short_name(ONLINE_ROOM)} seed {seed}", ONLINE, {"seed": seed, "total_steps": steps})
            for seed in range(plan.num_seeds(3))
            if not plan.only and ONLINE_ROOM in (plan.env_ids or (ONLINE_ROOM,))
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One agent from so many rollouts, with and without its memory; or DQN with interaction."""
        if run.name == ONLINE:
            seed, steps = run.params["seed"], run.params["total_steps"]
            curve = online_dqn(ONLINE_ROOM, seed, steps, num_tasks=cache.plan.preset.tasks, stop_at=ENOUGH)
            return {"curve": [[steps, round(rate, 4)] for steps, rate in curve]}
        source = Source.of(run.params)
        agent = cache.agent(BY_KEY[run.params["method"]["key"]], source)
        rows = both_ways(agent, cache.tasks(source.env_id), seed=source.seed, obs_type=source.obs_type)
        return {"rows": rows, "cpu": round(sum(entry.cpu_seconds for entry in agent.fit_log), 1)}

    def say(self, result: dict[str, Any]) -> str:
        """The first row."""
        if "curve" in result:
            return f"{result['curve'][-1][1]:.1%} after {result['curve'][-1][0]} steps of the environment"
        return f"{rate(next(iter(result['rows'].values()))['success_02']):.1%}"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Curves: success and interval at each number of rollouts, and where each crosses 95 %."""
        studies: dict[str, Any] = {}
        online = [result["curve"] for _, result in found if "curve" in result]
        for run, result in found:
            if "curve" in result:
                continue
            study = studies.setdefault(f"{run.params['obs_type']} {run.room}", {})
            for row, scores in result["rows"].items():
                points = study.setdefault(f"{run.params['method']['key']} {row}", {})
                points.setdefault(run.params["rollouts"], []).append(scores)
        for key, study in studies.items():
            studies[key] = {name: _curve(points) for name, points in sorted(study.items())}
        return {"online": online, "studies": studies}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a study: a row a curve, a column a number of rollouts."""
        tables = [_table(key, study) for key, study in summary["studies"].items()]
        return [*tables, _online(summary["online"])] if summary["online"] else tables

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """A panel a study."""
        panels: dict[str, list[Line]] = {key: [] for key in summary["studies"]}
        for key, study in summary["studies"].items():
            for name, curve in study.items():
                ours = "plan2vec" in name
                look = {"faint": ours and "memoryless" in name, "like": "plan2vec" if ours else ""}
                panels[key].append(Line.of_shares(_label(name), curve["rollouts"], curve["success"], **look))
        caption = "Success against the number of rollouts, with 95 % intervals over seeds within tasks."
        return [sweep("fig6a.png", caption, panels, "rollouts", log_x=True)]


def _curve(points: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    rollouts = sorted(points)
    shares = [success(points[size], "success_02") for size in rollouts]
    return {
        "rollouts": rollouts,
        "success": shares,
        "per_seed": [[round(rate(run["success_02"]), 4) for run in points[size]] for size in rollouts],
        "rollouts_to_95": crossing(rollouts, [share["value"] for share in shares]),
    }


def crossing(rollouts: list[int], success: list[float]) -> float | None:
    """The number of rollouts from which on success stays at 95 % or more, log-linear between the points.

    None if it does not at the largest number; at most the smallest number if it does everywhere.
    """
    short = [i for i, value in enumerate(success) if value < ENOUGH]
    if not short:
        return float(rollouts[0])
    last = short[-1]
    if last + 1 == len(rollouts):
        return None
    share = (ENOUGH - success[last]) / (success[last + 1] - success[last])
    low, high = np.log(rollouts[last]), np.log(rollouts[last + 1])
    return round(float(np.exp(low + share * (high - low))), 1)


def _label(name: str) -> str:
    key, row = name.split(" ")
    return BY_KEY[key].label + (f", {'with ' if row == 'memory' else ''}{row}" if key == "plan2vec" else "")


def _table(key: str, study: dict[str, Any]) -> Table:
    sizes = sorted({size for curve in study.values() for size in curve["rollouts"]})
    rows = []
    ours = study.get("plan2vec memory", {}).get("rollouts_to_95")
    for name, curve in study.items():
        at = dict(zip(curve["rollouts"], curve["success"], strict=True))
        need = curve["rollouts_to_95"]
        if need is None:
            to_95, ratio = f"> {max(sizes)}", f"> {max(sizes) / ours:.0f}" if ours else "–"
        else:
            to_95, ratio = f"{need:.0f}", f"{need / ours:.1f}" if ours else "–"
        kind = "ours" if name == "plan2vec memory" else "privileged" if "pose" in name else ""
        rows.append((kind, [_label(name), *(percent(at.get(size)) for size in sizes), to_95, ratio]))
    head = ["", *(f"{size}" for size in sizes), "rollouts to 95 %", "times ours"]
    seeds = len(next(iter(study.values()))["per_seed"][0])
    note = f"{seeds} data-and-training seeds. Rollouts to 95 %: log-linear between the sizes; ratios before rounding."
    return Table(f"Success against rollouts, {key}, %", head, rows, [note])


def _online(curves_: list[list[list[float]]]) -> Table:
    """Steps of the environment that DQN with interaction needs; a rollout of ours is ten."""
    cells = []
    for curve in curves_:
        reached = next((steps for steps, rate in curve if rate >= ENOUGH), None)
        cells.append(f"> {curve[-1][0]:,.0f}" if reached is None else f"{reached:,.0f}")
    head = ["environment steps to 95 %", *(f"seed {seed}" for seed in range(len(cells)))]
    note = (
        "For reference: DQN with hindsight that acts in the environment and is rewarded by true poses, epsilon-greedy. "
        f"One of our rollouts is {HORIZON} steps."
    )
    rows = [("privileged", ["online DQN with hindsight", *cells])]
    return Table("DQN with interaction, Open, states", head, rows, [note])
