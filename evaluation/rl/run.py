"""`plan2vec sb3`: a run folder with the metric, the policy, its curve and its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..figures import curves, gif
from ..protocols.worlds import room_of
from ..runs import folder as runs
from ..runs.folder import RunFolder
from .algorithms import get_algorithm
from .job import RLJob
from .judge import Point, drive
from .learning import CHECKPOINT, learn, metric_agent


def run_rl_job(job: RLJob, out: Path, command: str, *, say: Callable[[str], None], fresh: bool = False) -> RunFolder:
    """Runs a job to its saved model and picture; an interrupted run of the same job goes on from its last evaluation.

    A replay buffer is not kept: after an interruption it is filled anew.

    Args:
        job: what to train.
        out: folder of all runs.
        command: how the user would run this again.
        say: gets a line for people now and then.
        fresh: whether to begin anew even where the same job was interrupted.

    Raises:
        Plan2vecError: whatever goes wrong on purpose, in one line.
    """
    job.check()
    wanted = (job.env_id, job.label, job.seed, asdict(job))
    with runs.begun(out, wanted, command, say, fresh=fresh) as run:
        _work(job, run, say)
    return run


def _work(job: RLJob, run: RunFolder, say: Callable[[str], None]) -> None:
    agent = metric_agent(job, run.root)
    if log := getattr(agent, "fit_log", None):
        seconds = sum(entry.wall_seconds for entry in log)
        say(f"  metric of {job.reward}: {seconds:.0f} s of learning from {job.size} recorded steps, not counted below")
    if agent is not None and hasattr(agent, "save") and not job.reads_agent:
        agent.save(run.path("agent"))

    def tell(points: list[Point]) -> None:
        last = points[-1]
        say(f"  {last.steps:>9,} steps  {100 * last.success:5.1f} % of {job.num_tasks} tasks  {last.wall:6.0f} s")

    model, curve, share = learn(job, agent, run.root, tensorboard=str(run.path("tb")), progress=True, tell=tell)
    if agent is not None:
        say(f"  the metric took {share:.1%} of the time")
    model.save(run.path("model.zip"))
    draw(job, run, model, curve)
    run.path(CHECKPOINT).unlink(missing_ok=True)
    run.finish()


def draw(job: RLJob, run: RunFolder, model: Any, curve: list[Point]) -> None:
    """Writes ``curve.png`` and ``policy.gif``, four tasks side by side, into the run folder."""
    if curve:
        line = curves.Line(job.label, [point.steps for point in curve], [100 * point.success for point in curve])
        panel = curves.Panel(job.env_id, "environment steps", "success, %", [line])
        run.path("curve.png").write_bytes(curves.curves_figure([panel]))
    tasks = job.tasks()
    order = np.argsort(-tasks.least_steps, kind="stable")
    shown = tasks.take(order[np.linspace(0, len(order) - 1, min(4, len(order))).astype(int)])
    paths = drive(model, shown, get_algorithm(job.algorithm), obs_type=job.obs_type).trajectories
    run.path("policy.gif").write_bytes(gif.tasks_gif(room_of(job.env_id), list(paths), shown.goal))
