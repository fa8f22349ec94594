"""All rows of a run's result table: the agent under each protocol, and the references beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from operator import call
from pathlib import Path
from typing import Any

from agents import Planner, get_agent
from data_collection import Dataset, make_dataset
from data_collection.engines import Engine, LocalEngine

from ..errors import ResultsError
from ..protocols.closed_loop import closed_loop, obs_type_of
from ..protocols.graph_walk import graph_walk
from ..protocols.memory_graph import graph_tasks, memory_graph
from ..protocols.oracles import oracles
from ..protocols.results import EvalResult
from ..protocols.tasks import TaskList
from .sent_agent import SentAgent

Row = tuple[str, Callable[[], EvalResult]]
"""name, and how to get it: pickled, it can be run in any process"""


def rows(agent: Any, dataset: Dataset | None, tasks: TaskList, *, seed: int = 0) -> Iterator[Row]:
    """(name, how to get it) of each row, in the order of the table; nothing is run before it is asked for.

    Args:
        agent: fitted.
        dataset: the training dataset with its true positions, for the graph protocol's verdict; None leaves that out.
        tasks: shared by all closed-loop rows.
        seed: of the evaluation's own draws.
    """
    sent = SentAgent(agent)
    obs_type = obs_type_of(agent if dataset is None else dataset)
    fingerprint = getattr(agent, "dataset_fingerprint", None) if dataset is None else dataset.fingerprint
    learned = partial(_learned, sent, tasks, seed=seed, obs_type=obs_type, fingerprint=fingerprint)
    if agent.new_memory(1) is not None:
        yield "closed-loop-memory", partial(learned, memory=True)
    yield "closed-loop-memoryless", partial(learned, memory=False)
    if dataset is not None and isinstance(agent, Planner):
        yield "graph", partial(_walked, sent, dataset, len(tasks), seed)
    if agent.name != "random":
        seen = None if dataset is None else dataset.without_oracle()
        yield "random", partial(_by_chance, seen, tasks, seed, obs_type)
    for oracle in oracles(tasks.env_id):
        yield oracle.name, partial(closed_loop, oracle, tasks, seed=seed)


def _learned(sent: SentAgent, tasks: TaskList, *, memory: bool, fingerprint: str | None, **options: Any) -> EvalResult:
    return replace(closed_loop(sent.agent, tasks, memory=memory, **options), fingerprint=fingerprint)


def _walked(sent: SentAgent, dataset: Dataset, num_tasks: int, seed: int) -> EvalResult:
    memory = memory_graph(sent.agent, dataset)
    return graph_walk(sent.agent, memory, graph_tasks(memory, num_tasks=num_tasks, seed=seed), seed=seed)


def _by_chance(dataset: Dataset | None, tasks: TaskList, seed: int, obs_type: str) -> EvalResult:
    if dataset is None:  # all that is learned is which actions there are
        dataset = make_dataset(tasks.env_id, size="1x1", obs_type=obs_type, progress=False).without_oracle()
    uniform = get_agent("random")().fit(dataset, seed=seed)
    return closed_loop(uniform, tasks, seed=seed, obs_type=obs_type)


def judge_into(folder: Path | None, found: Iterable[Row], engine: Engine | None = None) -> Iterator[EvalResult]:
    """Every row's result, in the order of the rows.

    Args:
        folder: keeps each result as soon as it is there, and one that is kept is not run again; None keeps nothing.
        found: the rows, each a piece of work for itself.
        engine: who judges them; this process by default.
    """
    wanted = list(found)
    files = [None if folder is None else folder / f"{name}.json" for name, _ in wanted]
    kept = {i: result for i, file in enumerate(files) if file is not None and (result := _kept(file)) is not None}
    missing = [i for i in range(len(wanted)) if i not in kept]

    def judged() -> Iterator[tuple[int, EvalResult]]:
        for number, result in (engine or LocalEngine()).map(call, (wanted[i][1] for i in missing)):
            if (file := files[missing[number]]) is not None:
                result.save(file)
            yield missing[number], result

    found_so_far, shown = {}, 0
    for index, result in chain(kept.items(), judged()):
        found_so_far[index] = result
        while shown in found_so_far:
            yield found_so_far[shown]
            shown += 1


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
