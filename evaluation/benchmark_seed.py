"""One seed of a benchmark: its own data, its own training, every row of the table; as plain JSON."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .results import EvalResult


def run_seed(env_id: str, size: str, seed: int, num_tasks: int, latent_dim: int | None) -> dict[str, Any]:
    """Collects with this seed, trains with this seed, judges on the shared tasks; one torch thread throughout."""
    import torch

    torch.set_num_threads(1)
    from agents import Plan2Vec, Plan2VecConfig

    from .closed_loop import decision_seconds
    from .embedding import corridor_ratio
    from .job import Job
    from .judging import label, rows
    from .tasks import make_tasks
    from .worlds import room_of

    config = Plan2VecConfig()
    if latent_dim is not None:
        config = config.with_latent_dim(latent_dim)
    dataset = Job(env_id=env_id, size=size, seed=seed).dataset(progress=False)
    agent = Plan2Vec(config).fit(dataset.without_oracle(), seed=seed, progress=False)
    tasks = make_tasks(env_id, num_tasks)
    results = {name: judge() for name, judge in rows(agent, dataset, tasks, seed=seed)}
    room = room_of(env_id)
    return {
        "env_id": env_id,
        "seed": seed,
        "fingerprint": dataset.fingerprint,
        "agent_config": asdict(config),
        "stages": [{"stage": s.stage, "wall": s.wall_seconds, "cpu": s.cpu_seconds} for s in agent.fit_log],
        "learning": {entry.stage: entry.figures for entry in agent.fit_log},
        "decision_seconds": decision_seconds(agent, tasks),
        "corridor": asdict(corridor_ratio(agent, room)) if room.name == "c_maze" else None,
        "rows": {name: compact(result) | {"label": label(result)} for name, result in results.items()},
    }


def compact(result: EvalResult) -> dict[str, Any]:
    """A result in a few short lines: success and blocked as digits, steps as words."""
    result = replace(result, trajectories=())
    return {
        "success_02": bits(result.success_02),
        "success_03": bits(result.success_03),
        "success_04": bits(result.success_04),
        "blocked": bits(result.blocked),
        "steps": " ".join(map(str, result.steps.tolist())),
        "steps_over_least": None if np.isnan(result.mean_optimality) else round(result.mean_optimality, 4),
        "oracle": result.oracle,
    }


def bits(flags: np.ndarray) -> str:
    """(J,) bool -> "0110…"."""
    return "".join("1" if flag else "0" for flag in flags)


def flags(text: str) -> np.ndarray:
    """The inverse of `bits`."""
    return np.array([digit == "1" for digit in text])
