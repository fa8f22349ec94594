"""What an experiment is, and the registry of all experiments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from data_collection.collection.make import parse_size
from data_collection.errors import check_name
from data_collection.registry import Registry
from plan2vec_envs.errors import InvalidOptionError

from ...report.tables import Table
from .plan import Plan
from .records import Figure, Found, Run
from .workbench import AgentCache


class Experiment(ABC):
    """One table or figure of the paper: runs, their summary, its tables and figures."""

    id: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    """What is asked and how it is measured, for the page."""
    choices: ClassVar[Sequence[str]] = ()
    """What `--only` may choose from: keys of methods, or families; empty where there is nothing to choose."""
    takes_agents: ClassVar[bool] = False
    """Whether `--only` may also name any registered agent, one of a plugin for example."""
    varies_size: ClassVar[bool] = False
    """Whether the number of rollouts is what the experiment varies, so that nobody else can choose it."""
    panels: ClassVar[Sequence[str]] = ()
    """Further ids by which it may be asked for, those of its parts."""
    seeds: ClassVar[int] = 0
    """Seeds where neither plan nor preset says, which the summary repeats; 0 where it names none."""
    repeats_size: ClassVar[bool] = False
    """Whether the summary repeats how many rollouts there were."""
    groups: ClassVar[Sequence[Any]] = ()
    """What the summary calls what was found, and what that is grouped by, level by level, see `scores.grouped`."""

    @abstractmethod
    def runs(self, plan: Plan) -> list[Run]:
        """What has to be run."""

    @abstractmethod
    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Runs one run, in a process of its own; the result is plain JSON."""

    def pool(self, runs: list[dict[str, Any]]) -> Any:
        """What is kept of the results of a group."""
        return runs

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """What is kept of all runs: small, plain JSON; by default the groups, pooled, and what they come from."""
        from .scores import grouped  # lists of experiments do without torch

        name, *by = self.groups
        size = {"size": plan.rollouts} if self.repeats_size else {}
        seeds = {"seeds": plan.num_seeds(self.seeds)} if self.seeds else {}
        return {**size, **seeds, name: grouped(found, by, self.pool)}

    @abstractmethod
    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """The summary as tables."""

    def check(self, plan: Plan) -> None:
        """Whether this can be asked of the experiment.

        Raises:
            InvalidOptionError: for an option that it has no use for, or a size that is none.
            UnknownNameError: for a choice that it does not offer, with the closest one.
        """
        from agents.base.registry import AGENTS  # lists of experiments do without torch

        if plan.only and not self.choices:
            raise InvalidOptionError(f"--only {plan.only[0]}: {self.id} has nothing to choose from; leave it out")
        for name in plan.only:
            check_name(f"choice of {self.id}", name, (*self.choices, *(AGENTS if self.takes_agents else ())))
        if plan.size is not None and self.varies_size:
            raise InvalidOptionError(f"--size {plan.size}: {self.id} sets the sizes of its data itself; leave it out")
        parse_size(plan.rollouts)

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """The runs as pictures."""
        return []

    def say(self, result: dict[str, Any]) -> str:
        """A few words on a finished run, for the one who waits."""
        return ""


EXPERIMENTS = Registry("experiment", f"{__name__.rpartition('.lab.')[0]}.experiments")


def register_experiment(cls: type[Experiment]) -> type[Experiment]:
    """Class decorator: make an experiment known under its ``id``."""
    EXPERIMENTS[cls.id] = cls()
    return cls


def get_experiment(name: str) -> Experiment:
    """The experiment of that id, or with a panel of that id.

    Raises:
        UnknownNameError: with the closest id.
    """
    return EXPERIMENTS.find(next((each.id for each in EXPERIMENTS.values() if name in each.panels), name))
