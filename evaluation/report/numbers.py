"""What a report says, as data: read from a run folder, written as `results.json`, shown by the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..protocols.results import EvalResult, read_json
from ..protocols.stats import Interval, wilson
from ..runs.folder import RunFolder, StageSeconds, Stopwatch
from ..runs.job import Job
from ..runs.judging import label
from .published import paper_number

_ORDER = ("closed-loop-memory", "closed-loop-memoryless", "graph", "random", "geodesic", "dijkstra", "straight-line")


@dataclass(frozen=True)
class Line:
    """One line of the result table."""

    name: str
    result: EvalResult

    @property
    def success(self) -> Interval:
        """At .02 m, with the Wilson interval over tasks that one run allows."""
        return wilson(self.result.success_02)

    @property
    def blocked(self) -> Interval | None:
        """The same on tasks whose straight line is blocked; None where there is none."""
        mask = self.result.blocked
        return wilson(self.result.success_02[mask]) if mask.any() else None

    @property
    def paper(self) -> str | None:
        """The paper's row, for learned agents."""
        return None if self.result.oracle else paper_number(self.result.agent, self.result.env_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        result, optimality = self.result, self.result.mean_optimality
        return {
            "label": label(result),
            "protocol": result.protocol,
            "memory": result.memory,
            "oracle": result.oracle,
            "tasks": result.num_tasks,
            "success_02": vars(self.success),
            "success_03": float(result.success_03.mean()),
            "success_04": float(result.success_04.mean()),
            "blocked_success_02": vars(self.blocked) if self.blocked else None,
            "blocked_tasks": int(result.blocked.sum()),
            "steps_over_least": None if np.isnan(optimality) else optimality,
            "seconds_per_decision": result.seconds_per_decision,
            "paper": self.paper,
        }


@dataclass(frozen=True)
class Numbers:
    """Everything a report shows except pictures."""

    job: Job
    config: dict[str, Any]
    command: str
    environment: dict[str, Any]
    lines: list[Line]
    stages: list[StageSeconds]
    facts: dict[str, Any]
    decision_seconds: float | None
    learning: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunFolder) -> Numbers:
        """Reads a run folder.

        Raises:
            ResultsError: if something in it is damaged or missing.
        """
        found = {name: run.path("eval", f"{name}.json") for name in _ORDER}
        latency, facts = run.path("eval", "latency.json"), run.path("figures", "facts.json")
        record = read_json(run.path("agent", "agent.json"))
        return cls(
            job=Job.of(run),
            config=run.config,
            command=run.command,
            environment=read_json(run.path("env.json")),
            lines=[Line(name, EvalResult.load(file)) for name, file in found.items() if file.is_file()],
            stages=Stopwatch(run.path("stages.json")).rows,
            facts=read_json(facts) if facts.is_file() else {},
            decision_seconds=read_json(latency)["decision_seconds"] if latency.is_file() else None,
            learning={entry["stage"]: entry["figures"] for entry in record.get("fit_log", [])},
        )

    def line(self, *names: str) -> Line | None:
        """The first of the named lines that the run has."""
        return next((line for line in self.lines if line.name in names), None)

    @property
    def best(self) -> Line | None:
        """The agent in the closed loop, with memory where it has one."""
        return self.line("closed-loop-memory", "closed-loop-memoryless")

    @property
    def total(self) -> StageSeconds:
        """All stages together."""
        return StageSeconds("total", sum(stage.wall for stage in self.stages), sum(stage.cpu for stage in self.stages))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: the content of `results.json`."""
        return {
            "command": self.command,
            "config": self.config,
            "environment": self.environment,
            "dataset": {key: self.facts.get(key) for key in ("fingerprint", "num_rollouts", "num_transitions")},
            "rows": [line.to_dict() for line in self.lines],
            "stages": [vars(stage) for stage in self.stages],
            "learning": self.learning,
            "facts": self.facts,
            "decision_seconds": self.decision_seconds,
        }
