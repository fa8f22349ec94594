"""All rows of a run's result table: the agent under each protocol, and the references beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from data_collection import Dataset, make_dataset

from .closed_loop import closed_loop, obs_type_of
from .errors import ResultsError
from .graph_walk import graph_walk
from .memory_graph import graph_tasks, memory_graph
from .oracles import oracles
from .results import EvalResult
from .tasks import TaskList

Row = tuple[str, Callable[[], EvalResult]]


def rows(agent: Any, dataset: Dataset | None, tasks: TaskList, *, seed: int = 0) -> Iterator[Row]:
    """(name, how to get it) of each row, in the order of the table; nothing is run before it is asked for.

    Args:
        agent: fitted.
        dataset: the training dataset with its true positions, for the graph protocol's verdict; None leaves that out.
        tasks: shared by all closed-loop rows.
        seed: of the evaluation's own draws.
    """
    from agents import get_agent

    obs_type = obs_type_of(agent if dataset is None else dataset)
    fingerprint = getattr(agent, "dataset_fingerprint", None) if dataset is None else dataset.fingerprint

    def learned(memory: bool) -> EvalResult:
        result = closed_loop(agent, tasks, memory=memory, seed=seed, obs_type=obs_type)
        return replace(result, fingerprint=fingerprint)

    def walked(dataset: Dataset) -> EvalResult:
        memory = memory_graph(agent, dataset)
        return graph_walk(agent, memory, graph_tasks(memory, num_tasks=len(tasks), seed=seed), seed=seed)

    if agent.new_memory(1) is not None:
        yield "closed-loop-memory", partial(learned, True)
    yield "closed-loop-memoryless", partial(learned, False)
    if dataset is not None and getattr(agent, "graph", None) is not None:
        yield "graph", partial(walked, dataset)
    if agent.name != "random":
        # All that it learns is which actions there are.
        source = dataset or make_dataset(tasks.env_id, size="1x1", obs_type=obs_type, progress=False)
        uniform = get_agent("random")().fit(source.without_oracle(), seed=seed)
        yield "random", partial(closed_loop, uniform, tasks, seed=seed, obs_type=obs_type)
    for oracle in oracles(tasks.env_id):
        yield oracle.name, partial(closed_loop, oracle, tasks, seed=seed)


def judge_into(folder: Path, found: Iterable[Row]) -> Iterator[EvalResult]:
    """Every row's result; each is kept in the folder as soon as it is there, and one that is kept is not run again."""
    for name, judge in found:
        file = folder / f"{name}.json"
        result = _kept(file)
        if result is None:
            result = judge()
            result.save(file)
        yield result


def _kept(file: Path) -> EvalResult | None:
    try:
        return EvalResult.load(file) if file.is_file() else None
    except ResultsError:
        return None  # damaged, so judged again


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
