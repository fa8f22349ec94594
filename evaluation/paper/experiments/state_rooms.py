"""The rooms without pixels and with continuous actions, by whatever agent such data is recommended."""

from __future__ import annotations

from typing import Any

from agents.plan2vec.recommend import recommend
from data_collection import make_dataset
from plan2vec_envs import ROOM_IDS

from ...protocols.tasks import make_tasks
from ...protocols.worlds import short_name
from ..lab import AgentCache, Experiment, Plan, Run, Table, register_experiment
from ..lab.plan import configured
from ..lab.scores import Column, both_ways, means, percent, plain, pooled, rate, table


@register_experiment
class StateRooms(Experiment):
    """Success by room, with memory and without."""

    id = "state-rooms"
    title = "Rooms from states, with continuous actions"
    seeds = 3
    groups = ("rooms", "group")
    about = (
        "1,000 random rollouts of 10 steps, observations (x, y) in place of images and pushes of any strength and "
        "direction; the agent and the settings that `plan2vec fit` recommends for such data. 200 tasks a room, success "
        "within .02 m, 50 steps."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per room, one run per seed."""
        size = {"size": plan.rollouts, **plan.effort}
        return [
            Run(short_name(env_id), f"seed {seed}", {"env_id": env_id, "seed": seed, **size})
            for env_id in plan.env_ids or ROOM_IDS
            for seed in range(plan.num_seeds(self.seeds))
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One fit and both ways of acting."""
        params = run.params
        how: dict[str, Any] = {"obs_type": "state", "action_type": "box", "progress": False}
        dataset = make_dataset(params["env_id"], size=params["size"], seed=params["seed"], **how).without_oracle()
        found = recommend(dataset)
        agent = type(found.new_agent())(configured(found.config, {}, params["steps"]))
        agent.fit(dataset, seed=params["seed"], progress=False)
        tasks = make_tasks(params["env_id"], params["tasks"])
        rows = both_ways(agent, tasks, obs_type="state")
        return {"agent": found.agent, "cpu": round(sum(log.cpu_seconds for log in agent.fit_log), 1), **rows}

    def say(self, result: dict[str, Any]) -> str:
        """Success with memory."""
        return f"{rate(result['memory']['success_02']):.1%} solved with memory"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of a room."""
        rows = {how: pooled([run[how] for run in runs]) for how in ("memory", "memoryless")}
        return {"agent": runs[0]["agent"], **means(runs, "cpu"), **rows}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        columns: list[Column] = [
            ("with memory", lambda found: percent(found["memory"]["mean"])),
            ("memoryless", lambda found: percent(found["memoryless"]["mean"])),
            ("on blocked tasks", lambda found: percent(found["memory"]["blocked"])),
            ("steps over least", lambda found: f"{found['memory']['steps_over_least']}"),
            ("CPU s to learn", lambda found: plain(found["cpu"], ".0f")),
        ]
        rows = [("ours", f"{room}, {found['agent']}", found) for room, found in summary["rooms"].items()]
        note = f"{summary['seeds']} seeds; mean [95 % interval]. Least steps are those of 8 moves of half the strength."
        return [table(self.title, "solved, %", columns, rows, note)]
