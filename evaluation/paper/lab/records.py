"""What is run and what comes of it: a method, a run, its result, a figure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ...protocols.worlds import short_name
from .plan import Preset, configured


@dataclass(frozen=True)
class Method:
    """One agent of a comparison.

    Attributes:
        key: short and unique, for file names.
        label: what a table calls it.
        agent: registered name.
        options: dotted options of its configuration.
        privileged: whether it learned from a reward that is computed from true poses.
        paper: row of the paper's Table 1 to print beside it.
    """

    key: str
    label: str
    agent: str
    options: Mapping[str, Any] = field(default_factory=dict)
    privileged: bool = False
    paper: str | None = None

    def config(self, preset: Preset) -> Any:
        """Its configuration under a preset."""
        from agents import get_agent

        options = {**preset.options.get(self.agent, {}), **self.options}
        return configured(get_agent(self.agent)().config, options, preset.steps)

    def params(self, preset: Preset) -> dict[str, Any]:
        """Plain JSON: who it is, with the whole configuration, so that another one is another run."""
        from agents.training.config_json import to_dict

        config = json.loads(json.dumps(to_dict(self.config(preset))), parse_constant=str)
        return {"key": self.key, "agent": self.agent, "privileged": self.privileged, "config": config}


@dataclass(frozen=True)
class Run:
    """The smallest piece of an experiment whose result is kept.

    Attributes:
        group: runs of a group share data and agents, and run one after the other in one process.
        name: of the run within its group.
        params: plain JSON, everything that decides the result.
    """

    group: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def room(self) -> str:
        """Short name of its environment."""
        return short_name(self.params["env_id"])


def crossed(group: str, name: str, axes: Mapping[str, Iterable[Any]], **others: Any) -> list[Run]:
    """A run for each combination of the axes, the last one fastest.

    Args:
        group: of a run, in terms of its parameters, such as ``"{world} seed {seed}"``.
        name: the same.
        axes: parameters and their values.
        others: further parameters; a function makes its value of those on the axes.
    """
    runs = []
    for values in product(*axes.values()):
        at = dict(zip(axes, values, strict=True))
        params = at | {key: value(at) if callable(value) else value for key, value in others.items()}
        runs.append(Run(group.format(**params), name.format(**params), params))
    return runs


Found = Sequence[tuple[Run, dict[str, Any]]]
"""Runs with their results, in the order of the runs."""


@dataclass(frozen=True)
class Figure:
    """A picture of an experiment: PNG or GIF bytes, and what to see in it."""

    name: str
    data: bytes
    caption: str
    narrow: bool = False
