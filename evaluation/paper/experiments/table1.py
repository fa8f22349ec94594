"""Table 1: success in the three rooms, every agent on the same data, graph, tasks and budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...figures.gif import Drive, agents_gif
from ...protocols.closed_loop import closed_loop
from ...protocols.graph_walk import graph_walk
from ...protocols.memory_graph import graph_tasks, memory_graph
from ...protocols.oracles import oracles
from ...protocols.results import EvalResult
from ...protocols.tasks import TaskList, make_tasks
from ...protocols.worlds import room_of, short_name
from ...report.published import ROOMS, SPREAD_READING, TABLE_1
from ..figures.bars import Bar, bars_figure
from ..lab import AgentCache, Experiment, Figure, Found, Method, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import LINEUP, PLAN2VEC, method_of, present, rooms_and_seeds
from ..lab.scores import average, compact, percent, pooled, rate, success

PROTOCOLS: Mapping[str, str] = {
    "closed-loop-memory": "closed loop, with memory",
    "closed-loop-memoryless": "closed loop, memoryless",
    "graph": "graph walk, k = 1",
    "graph-epsilon": "graph walk, k = 1, ε = .05",
}
EPSILON = 0.05


@register_experiment
class Table1(Experiment):
    """Every method in every room, under both protocols."""

    id = "table1"
    choices = tuple(method.key for method in LINEUP)
    seeds = 5
    repeats_size = True
    groups = ("rooms", "env_id", "name")
    takes_agents = True
    title = "Table 1: success in the rooms"
    about = (
        "Closed loop: the agent sees only its observation and the goal's, has 50 steps, and has succeeded when a step "
        "ends within .02 m of the goal; tasks are the environments' own unfiltered draws. Graph walk: all agents hop "
        "on the same memory graph to the neighbour with the least distance to the goal, for at most 50 hops, without "
        "memory. Every agent learns from the same rollouts with the same seed; those that are distances share local "
        "metric, memory and the size of their forward model. Oracles see true positions; DQN's privileged row learned "
        "from true poses."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per room and seed; one run per method, and one for the oracles in the first group of a room."""
        runs = []
        for group, place, compared in rooms_and_seeds(plan, LINEUP, ROOMS):
            runs += compared
            if place["seed"] == 0:
                runs.append(Run(group, "oracles", place))
        return runs

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """All protocols for one method, or all oracles."""
        source = Source.of(run.params)
        if run.name == "oracles":
            tasks = cache.tasks(source.env_id)
            loops = {o.name: closed_loop(o, tasks) for o in oracles(source.env_id)}
            return {
                "rows": {name: compact(loop) for name, loop in loops.items()},
                "shown": {f"{name}, oracle": _shown(loop, tasks) for name, loop in loops.items()},
            }
        return judge(method_of(run.name), source, cache)

    def say(self, result: dict[str, Any]) -> str:
        """The first row."""
        name, first = next(iter(result["rows"].items()))
        return f"{rate(first['success_02']):.1%} {PROTOCOLS.get(name, name)}"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Protocols -> pooled rows, and the time that learning took, of a method."""
        rows = {name: pooled([run["rows"][name] for run in runs]) for name in runs[0]["rows"]}
        for name in rows.keys() & {"graph", "graph-epsilon"}:
            rows[name]["mean_04"] = success([run["rows"][name] for run in runs], "success_04")
        cpu = [sum(stage["cpu"] for stage in run.get("stages", [])) for run in runs]
        return {"rows": rows, "learning_cpu_seconds": average(cpu, 1)}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """Closed loop, graph walk, then what it cost."""
        rooms = summary["rooms"]
        graphs = [_by_method(title, rooms, partial(_share, row, key), note) for row, key, title, note in _GRAPH_TABLES]
        note = "CPU seconds of learning, one thread; milliseconds a decision, all tasks in one batch."
        return [_closed_loop(summary), *_blocked(rooms), *graphs, _by_method("What it costs", rooms, _cost, note)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Success as bars, and every agent at work on one task of the last room, where the wall is longest."""
        bars = bars_figure([(short_name(env_id), _bars(env_id, room)) for env_id, room in summary["rooms"].items()])
        env_id = list(summary["rooms"])[-1]
        made = [Figure("success.png", bars, _BARS)]
        if runs := _runs(found, env_id):
            tasks = make_tasks(env_id, summary["tasks"])
            gif = agents_gif(room_of(env_id), tasks.goal[tasks.hardest], runs)
            made.append(Figure("agents.gif", gif, _AGENTS.format(short_name(env_id)), narrow=True))
        return made


_BARS = (
    "Closed-loop success, with memory where an agent has one: mean and 95 % interval, a point for each seed; diamonds "
    "are the paper's numbers. Sand: learned from true poses. Pale: oracles, which see true positions."
)
_AGENTS = (
    "Every agent on the same task of {}, the longest of those with a wall in the way if there are any; seed 0, acting "
    "in closed loop, with memory where it has one. Red: the goal."
)


def judge(method: Method, source: Source, cache: AgentCache) -> dict[str, Any]:
    """One method under both protocols, with what learning took."""
    dataset, tasks = cache.dataset(source), cache.tasks(source.env_id)
    planner, agent = cache.agent(PLAN2VEC, source), cache.agent(method, source)
    memory = memory_graph(planner, dataset)
    pairs = graph_tasks(memory, num_tasks=len(tasks), seed=source.seed)
    loop = partial(closed_loop, agent, tasks, seed=source.seed, obs_type=source.obs_type)
    loops = {"closed-loop-memory": loop(memory=True)} if agent.new_memory(1) is not None else {}
    loops["closed-loop-memoryless"] = loop(memory=False)
    rows = {name: compact(found) for name, found in loops.items()}
    shown = {method.label: _shown(next(iter(loops.values())), tasks)}
    rows["graph"] = compact(graph_walk(agent, memory, pairs, seed=source.seed))
    rows["graph-epsilon"] = compact(graph_walk(agent, memory, pairs, epsilon=EPSILON, seed=source.seed))
    stages = [
        {"stage": s.stage, "wall": round(s.wall_seconds, 2), "cpu": round(s.cpu_seconds, 2)} for s in agent.fit_log
    ]
    return {"rows": rows, "shown": shown, "stages": stages, "fingerprint": dataset.fingerprint}


def _shown(result: EvalResult, tasks: TaskList) -> dict[str, Any]:
    """The way taken on the hardest task, (T + 1, 2) true positions in metres, for the animation."""
    path = np.round(result.trajectories[tasks.hardest], 4).tolist()
    return {"path": path, "solved": bool(result.success_02[tasks.hardest])}


def _bars(env_id: str, room: dict[str, Any]) -> list[Bar]:
    rows = []
    paper = {row: float(numbers[env_id].split()[0]) for row, numbers in TABLE_1.items() if env_id in numbers}
    for method in _present({env_id: room}):
        row = _first(room[method.key])
        rows.append(_bar(method.label, _kind(method), row, paper.get(method.paper or "")))
    return rows + [_bar(name, "oracle", row, None) for name, row in room["oracles"]["rows"].items()]


def _bar(label: str, kind: str, row: dict[str, Any], paper: float | None) -> Bar:
    value, low, high = (100 * row["mean"][name] for name in ("value", "low", "high"))
    return Bar(label, kind, value, low, high, [100 * one for one in row["per_seed"]], paper)


def _runs(found: Found, env_id: str) -> list[Drive]:
    """What every method and oracle did on the hardest task with the first seed."""
    return [
        Drive(label, np.asarray(run["path"]), run["solved"])
        for run, result in found
        if (run.params["env_id"], run.params["seed"]) == (env_id, 0)
        for label, run in result.get("shown", {}).items()
    ]


def _closed_loop(summary: dict[str, Any]) -> Table:
    rooms = summary["rooms"]
    rows: list[tuple[str, list[str]]] = []
    for method in _present(rooms):
        for protocol in ("closed-loop-memory", "closed-loop-memoryless"):
            found = [room[method.key]["rows"].get(protocol) for room in rooms.values()]
            if not any(found):
                continue
            memory = {"closed-loop-memory": ", with memory"}.get(protocol, ", memoryless")
            label = method.label + (memory if _remembers(rooms, method) else "")
            rows.append((_kind(method), [label, *(percent(row["mean"]) for row in found)]))
            if method.key == "plan2vec" and any(row["blocked"] for row in found):
                blocked = [percent(row["blocked"]) for row in found]
                rows.append(("detail", ["– on tasks whose straight line is blocked", *blocked]))
        rows += _paper(method, list(rooms))
    rows += _oracles(rooms, "mean")
    notes = [
        f"{summary['seeds']} data-and-training seeds × {summary['tasks']} tasks, {summary['size']} rollouts × steps; "
        "mean [95 % stratified bootstrap over seeds within tasks; Wilson for a single run and where all runs agree].",
        SPREAD_READING,
    ]
    return Table("Success, closed loop, %", ["", *map(short_name, rooms)], rows, notes)


def _by_method(title: str, rooms: dict[str, Any], cell: Callable[[dict[str, Any]], str], note: str) -> Table:
    """A row a method, a column a room, of what a cell says about the method there."""
    rows = [(_kind(m), [m.label, *(cell(room[m.key]) for room in rooms.values())]) for m in _present(rooms)]
    return Table(title, ["", *map(short_name, rooms)], rows, [note])


def _oracles(rooms: dict[str, Any], key: str) -> list[tuple[str, list[str]]]:
    names = next(iter(rooms.values()))["oracles"]["rows"]
    found = {name: [percent(room["oracles"]["rows"][name][key]) for room in rooms.values()] for name in names}
    return [("oracle", [f"{name} (oracle)", *cells]) for name, cells in found.items()]


def _blocked(rooms: dict[str, Any]) -> list[Table]:
    """Every agent where the straight line does not help; no table where no line is blocked."""
    walled = {name: room for name, room in rooms.items() if room["oracles"]["rows"]["straight-line"]["blocked"]}
    if not walled:
        return []
    title = "Success where the straight line is blocked, %"
    note = "With memory where an agent has one. The same runs as above, on those tasks alone."
    table = _by_method(title, walled, lambda found: percent(_first(found)["blocked"]), note)
    return [replace(table, rows=[*table.rows, *_oracles(walled, "blocked")])]


def _first(found: dict[str, Any]) -> dict[str, Any]:
    """With memory, where the method has one."""
    return next(iter(found["rows"].values()))


def _share(row: str, key: str, found: dict[str, Any]) -> str:
    return percent(found["rows"][row][key])


def _cost(found: dict[str, Any]) -> str:
    return f"{found['learning_cpu_seconds']:.0f} s, {_first(found)['milliseconds_per_decision']:.2f} ms"


_GRAPH_TABLES = (
    ("graph", "mean", "Success, graph walk, k = 1, %", "Within .02 m of the goal, 50 hops, no memory."),
    (
        "graph-epsilon",
        "mean",
        "Success, graph walk, k = 1, ε = .05, %",
        "The same, with a random neighbour in one of twenty hops, as the released code has it.",
    ),
    (
        "graph",
        "mean_04",
        "Success, graph walk, k = 1, within .04 m, %",
        "Twice the radius, which one of the released scripts takes for success.",
    ),
)


def _present(rooms: dict[str, Any]) -> list[Method]:
    """Those of the line-up, and then other agents."""
    others = [key for key in next(iter(rooms.values())) if key != "oracles" and key not in Table1.choices]
    return [*present(LINEUP, rooms), *map(method_of, others)]


def _kind(method: Method) -> str:
    return "privileged" if method.privileged else "ours" if method == PLAN2VEC else ""


def _remembers(rooms: dict[str, Any], method: Method) -> bool:
    return any("closed-loop-memory" in room[method.key]["rows"] for room in rooms.values())


_PAPER_AFTER = {"plan2vec", "sptm-1-step-pair", "vae-8", "random"}
"""The last of our rows that the paper's row belongs to."""


def _paper(method: Method, env_ids: list[str]) -> list[tuple[str, list[str]]]:
    if method.key not in _PAPER_AFTER:
        return []
    numbers = TABLE_1[str(method.paper)]
    return [("paper", [f"paper, {method.paper}", *(numbers.get(env_id, "–") for env_id in env_ids)])]
