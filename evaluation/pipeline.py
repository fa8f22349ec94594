"""The one path from a job to a report, shared by `demo` and `train`: collect, fit, evaluate, report.

Every stage leaves its result in the run folder, so that the same command goes on where a killed run was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import training

from .protocols.closed_loop import decision_seconds, obs_type_of
from .protocols.results import write_json
from .protocols.tasks import make_tasks
from .report.drawing import draw_figures
from .report.writing import write_report
from .runs import folder as runs
from .runs.environment import record
from .runs.folder import RunFolder, Stopwatch
from .runs.job import Job
from .runs.judging import judge_into, label, rows

Say = Callable[[str], None]


def run_job(
    job: Job,
    out: Path,
    command: str,
    *,
    say: Say,
    tensorboard: bool = False,
    reuse: bool = False,
    fresh: bool = False,
) -> RunFolder | None:
    """Runs a job to its report, resuming an interrupted run of the same job.

    Several processes learn together, each from the whole dataset; the first does everything else.

    Args:
        job: what to do.
        out: folder of all runs.
        command: how the user would run this again; kept in the folder.
        say: gets a line for people now and then.
        tensorboard: whether the agent also logs for TensorBoard, to `tb/` in the run folder.
        reuse: whether a finished run of the same job is enough; then only its report is drawn again.
        fresh: whether to begin anew even where the same job was interrupted.

    Returns:
        The run; None in other processes than the first.

    Raises:
        Plan2vecError: whatever goes wrong on purpose, in one line.
    """
    began = time.perf_counter(), time.process_time()
    from agents.training.loop import one_torch_thread  # imports torch, the slowest part of starting

    job.check()
    if not training.launch(job.device, job.execution):
        if training.agree():  # once the first has collected the dataset, unless all is done
            _learn(job, job.dataset(progress=False), None, False)
        return None
    identity = job.identity()
    imports = time.perf_counter() - began[0], time.process_time() - began[1]
    wanted = (job.env_id, job.agent, job.seed, identity)
    if reuse and (run := runs.find(out, *wanted, finished=True)):
        say(f"This was done before in {run.root}; drawing its report again.")
        say("To start afresh add --fresh (with make: make demo ARGS=--fresh).")
        training.agree(False)
        with run.writing(), one_torch_thread():
            draw_figures(run)
            write_report(run)
        return run
    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0":
        fresh = False  # begun anew by the command, and started again by torchrun
    with runs.begun(out, wanted, command, say, fresh=fresh) as run, one_torch_thread():
        watch = Stopwatch(run.path("stages.json"))
        watch.put("imports", *imports)
        _work(job, run, watch, say, tensorboard)
    return run


def _work(job: Job, run: RunFolder, watch: Stopwatch, say: Say, tensorboard: bool) -> None:
    write_json(run.path("env.json"), record(job.device))
    with watch.stage("collect"):
        dataset = job.dataset()
    training.agree(True)
    agent, drawn = _learn(job, dataset, run.root, tensorboard)
    for entry in agent.fit_log:
        watch.put(entry.stage, entry.wall_seconds, entry.cpu_seconds)
    agent.save(run.path("agent"))
    if drawn is not None:
        embedding = drawn.fit_log[-1]  # what comes before it is shared with the agent
        watch.put("map", embedding.wall_seconds, embedding.cpu_seconds)
        drawn.save(run.path("map", "agent"))
    with watch.stage("evaluate"), training.alone():
        tasks = make_tasks(job.env_id, job.num_tasks)
        write_json(run.path("eval", "tasks.json"), tasks.to_dict())
        # Rows that an interrupted run has finished are read, not run again.
        for result in judge_into(run.path("eval"), rows(agent, dataset, tasks)):
            say(f"  {label(result):<34} {100 * result.success_rate:6.1f} %")
        seconds = decision_seconds(agent, tasks, obs_type=obs_type_of(dataset))
        write_json(run.path("eval", "latency.json"), {"decision_seconds": seconds})
    with watch.stage("figures"):
        draw_figures(run)
    write_report(run)
    run.finish()


def _learn(job: Job, dataset: Any, folder: Path | None, tensorboard: bool) -> tuple[Any, Any]:
    """The trained agent and, if asked for, its map."""
    learnable, progress = dataset.without_oracle(), folder is not None
    agent = job.new_agent()
    how = {"device": job.device, "execution": job.execution, "progress": progress, "tensorboard": tensorboard}
    agent.fit(learnable, seed=job.seed, workdir=folder, **how)
    if not job.draw_map or not hasattr(agent, "with_latent_dim"):
        return agent, None
    return agent, agent.with_latent_dim(2, learnable, workdir=folder and folder / "map", progress=progress)
