"""What a finished run shows: its curve, and the policy at work."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..figures import curves, gif
from ..protocols.worlds import room_of
from ..runs.folder import RunFolder
from .algorithms import get_algorithm
from .judge import Point, drive


def draw(job: Any, run: RunFolder, model: Any, curve: list[Point]) -> None:
    """Writes ``curve.png`` and ``policy.gif``, four tasks side by side, into the run folder."""
    if curve:
        line = curves.Line(job.label, [point.steps for point in curve], [100 * point.success for point in curve])
        panel = curves.Panel(job.env_id, "environment steps", "success, %", [line])
        run.path("curve.png").write_bytes(curves.curves_figure([panel]))
    tasks = job.tasks()
    order = np.argsort(-tasks.least_steps, kind="stable")
    shown = tasks.take(order[np.linspace(0, len(order) - 1, min(4, len(order))).astype(int)])
    algorithm = get_algorithm(job.algorithm)
    options = {"obs_type": job.obs_type, "action_type": algorithm.action_type, "samples": algorithm.samples}
    paths = drive(model, shown, **options).paths
    run.path("policy.gif").write_bytes(gif.tasks_gif(room_of(job.env_id), paths, shown.goal))
