"""All rows of a run's result table: the agent under each protocol, and the references beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from data_collection import Dataset

from .closed_loop import closed_loop, obs_type_of
from .graph_walk import graph_walk
from .memory_graph import graph_tasks, memory_graph
from .oracles import oracles
from .results import EvalResult
from .tasks import TaskList

Row = tuple[str, Callable[[], EvalResult]]


def rows(agent: Any, dataset: Dataset, tasks: TaskList, *, seed: int = 0) -> Iterator[Row]:
    """(name, how to get it) of each row, in the order of the table; nothing is run before it is asked for.

    Args:
        agent: fitted.
        dataset: the training dataset with its true positions, for the graph protocol's verdict.
        tasks: shared by all closed-loop rows.
        seed: of the evaluation's own draws.
    """
    from agents import get_agent

    obs_type = obs_type_of(dataset)

    def learned(memory: bool) -> EvalResult:
        result = closed_loop(agent, tasks, memory=memory, seed=seed, obs_type=obs_type)
        return replace(result, fingerprint=dataset.fingerprint)

    def walked() -> EvalResult:
        memory = memory_graph(agent, dataset)
        return graph_walk(agent, memory, graph_tasks(memory, num_tasks=len(tasks), seed=seed), seed=seed)

    if agent.new_memory(1) is not None:
        yield "closed-loop-memory", partial(learned, True)
    yield "closed-loop-memoryless", partial(learned, False)
    if getattr(agent, "graph", None) is not None:
        yield "graph", walked
    if agent.name != "random":
        uniform = get_agent("random")().fit(dataset.without_oracle(), seed=seed)
        yield "random", partial(closed_loop, uniform, tasks, seed=seed, obs_type=obs_type)
    for oracle in oracles(tasks.env_id):
        yield oracle.name, partial(closed_loop, oracle, tasks, seed=seed)


def label(result: EvalResult) -> str:
    """What a row of a table is called."""
    if result.oracle:
        return f"{result.agent} (oracle)"
    if result.protocol == "graph":
        epsilon = result.config.get("epsilon", 0)
        by_chance = f", ε = {epsilon:g}" if 0 < epsilon < 1 else ""
        return f"{result.agent}, graph walk, k = {result.config.get('lookahead', 1)}{by_chance}"
    if result.agent == "random":
        return "random actions"
    return f"{result.agent}, {'with memory' if result.memory else 'memoryless'}"
