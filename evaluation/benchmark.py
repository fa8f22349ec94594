"""The multi-seed table: `python -m evaluation.benchmark --env all --size 1000x10 --seeds 5 --jobs 2 --out FILE`.

Every seed collects its own data and trains its own agent, in a process of one thread; all are judged on the same
tasks. Each finished seed is kept beside FILE, so an interrupted benchmark resumes. `--render` rewrites the tables
between `<!-- results:NAME -->` and `<!-- /results -->` in README.md from `docs/results/NAME.json`.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import environment
from .benchmark_seed import flags, run_seed
from .errors import ResultsError
from .results import read_json, write_json
from .runs import safe_name
from .stats import iqm, stratified_bootstrap, wilson

FORMAT = 1


@dataclass(frozen=True)
class Benchmark:
    """Train and judge plan2vec with several seeds, or write the tables of the README again."""

    env: str = "all"
    """environment id, or all"""
    size: str = "1000x10"
    """rollouts x steps of each dataset"""
    seeds: int = 5
    """data-and-training seeds, counted from 0"""
    jobs: int = 1
    """processes of one thread each"""
    tasks: int = 200
    """tasks shared by all seeds"""
    latent_dim: int | None = None
    """dimensions of the embedding; None for the agent's default"""
    out: Path = Path("docs/results/rooms-1000x10.json")
    """summary file; unfinished seeds are kept beside it"""
    render: bool = False
    """only rewrite the tables in README.md from docs/results/*.json"""

    def identity(self) -> dict[str, Any]:
        """What a kept seed must agree with to be used."""
        return {"size": self.size, "tasks": self.tasks, "latent_dim": self.latent_dim, "format": FORMAT}


def run(benchmark: Benchmark, command: str) -> None:
    """Runs what is missing, then writes the summary."""
    from plan2vec_envs import ALL_ENV_IDS

    from .worlds import room_of

    env_ids = ALL_ENV_IDS if benchmark.env == "all" else (room_of(benchmark.env).env_id,)
    wanted = [(env_id, seed) for seed in range(benchmark.seeds) for env_id in env_ids]
    folder = benchmark.out.with_suffix(".parts")
    files = {key: folder / f"{safe_name(key[0])}-seed{key[1]}.json" for key in wanted}
    missing = [key for key in wanted if _kept(files[key], benchmark) is None]
    if len(missing) < len(wanted):
        print(f"resuming: {len(wanted) - len(missing)} of {len(wanted)} seeds are there", flush=True)
    for key, part in _run_parts(missing, benchmark):
        write_json(files[key], {**benchmark.identity(), **part})
        rate = flags(part["rows"]["closed-loop-memory"]["success_02"]).mean()
        print(f"{key[0]} seed {key[1]}: {rate:.1%} with memory", flush=True)
    parts = [read_json(files[key]) for key in wanted]
    write_json(benchmark.out, summarise(parts, benchmark, command))
    shutil.rmtree(folder)
    print(f"written to {benchmark.out}")


def _run_parts(keys: Sequence[tuple[str, int]], benchmark: Benchmark) -> Iterator[tuple[tuple[str, int], dict]]:
    """Finished seeds as they come, each from a process of one thread."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # read by the children when they start
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(benchmark.jobs, mp_context=context) as pool:
        futures = {
            pool.submit(run_seed, env_id, benchmark.size, seed, benchmark.tasks, benchmark.latent_dim): (env_id, seed)
            for env_id, seed in keys
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _kept(file: Path, benchmark: Benchmark) -> dict[str, Any] | None:
    try:
        part = read_json(file) if file.is_file() else None
    except ResultsError:
        return None
    agrees = part is not None and all(part.get(key) == value for key, value in benchmark.identity().items())
    return part if agrees else None


def summarise(parts: Sequence[dict[str, Any]], benchmark: Benchmark, command: str) -> dict[str, Any]:
    """The summary of all seeds: per-task success of each, means, interquartile means, intervals, and provenance."""
    env_ids = list(dict.fromkeys(part["env_id"] for part in parts))
    return {
        **benchmark.identity(),
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "seeds": sorted({part["seed"] for part in parts}),
        "agent": "plan2vec",
        "agent_config": parts[0]["agent_config"],
        "hardware": environment.hardware(),
        "jobs": benchmark.jobs,
        "versions": environment.versions(),
        "commit": environment.commit(),
        "rooms": {env_id: _room([part for part in parts if part["env_id"] == env_id]) for env_id in env_ids},
    }


def _room(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    stages = [stage["stage"] for stage in parts[0]["stages"]]
    corridors = [part["corridor"] for part in parts if part["corridor"]]
    return {
        "fingerprints": [part["fingerprint"] for part in parts],
        "rows": {name: summarise_row([part["rows"][name] for part in parts]) for name in parts[0]["rows"]},
        "stages": [
            {"stage": stage, **{kind: _mean_of(parts, i, kind) for kind in ("wall", "cpu")}}
            for i, stage in enumerate(stages)
        ],
        "decision_seconds": float(np.median([part["decision_seconds"] for part in parts])),
        "corridor": {key: [c[key] for c in corridors] for key in ("learned", "geodesic")} if corridors else None,
        "learning": [part["learning"] for part in parts],
    }


def _mean_of(parts: Sequence[dict[str, Any]], index: int, kind: str) -> float:
    return round(float(np.mean([part["stages"][index][kind] for part in parts])), 2)


def summarise_row(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One row over all runs; an oracle does the same in every run, so it counts once."""
    runs = runs[:1] if runs[0]["oracle"] else runs
    success = np.stack([flags(run["success_02"]) for run in runs]).astype(float)  # (R, J)
    blocked = np.stack([flags(run["blocked"]) for run in runs])
    same_tasks = bool((blocked == blocked[0]).all())
    optimality = [run["steps_over_least"] for run in runs if run["steps_over_least"] is not None]
    hidden = None
    if blocked.any():
        one_matrix = same_tasks and len(runs) > 1
        hidden = stratified_bootstrap(success[:, blocked[0]]) if one_matrix else wilson(success[blocked])
    return {
        "label": runs[0]["label"],
        "oracle": runs[0]["oracle"],
        "mean": vars(stratified_bootstrap(success) if len(runs) > 1 else wilson(success)),
        "iqm": vars(stratified_bootstrap(success, iqm)) if len(runs) > 1 else None,
        "wilson_over_all_tasks": vars(wilson(success)),
        "per_seed": success.mean(1).round(4).tolist(),
        "mean_03": float(np.mean([flags(run["success_03"]).mean() for run in runs])),
        "mean_04": float(np.mean([flags(run["success_04"]).mean() for run in runs])),
        "blocked_mean": None if hidden is None else vars(hidden),
        "blocked_tasks": int(blocked.sum()) // len(runs),
        "steps_over_least": float(np.mean(optimality)) if optimality else None,
        "success_02": [run["success_02"] for run in runs],
        "blocked": [run["blocked"] for run in (runs[:1] if same_tasks else runs)],
        "steps": [run["steps"] for run in runs],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark, or renders its tables."""
    import tyro

    args = list(sys.argv[1:] if argv is None else argv)
    benchmark = tyro.cli(Benchmark, args=args, prog="python -m evaluation.benchmark")
    if benchmark.render:
        from .benchmark_tables import render_readme

        render_readme(Path("README.md"), Path("docs/results"))
    else:
        run(benchmark, shlex.join(["python", "-m", "evaluation.benchmark", *args]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
