"""What a finished run shows: its curve, and the policy at work."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..figures import curves, gif
from ..runs import RunFolder
from ..tasks import TaskList
from ..worlds import room_of
from .algorithms import get_algorithm
from .judge import Point


def draw(job: Any, run: RunFolder, model: Any, curve: list[Point]) -> None:
    """Writes ``curve.png`` and ``policy.gif``, four tasks side by side, into the run folder."""
    if curve:
        line = curves.Line(job.label, [point.steps for point in curve], [100 * point.success for point in curve])
        panel = curves.Panel(job.env_id, "environment steps", "success, %", [line])
        run.path("curve.png").write_bytes(curves.curves_figure([panel]))
    tasks = job.tasks()
    order = np.argsort(-tasks.least_steps, kind="stable")
    shown = tasks.take(order[np.linspace(0, len(order) - 1, min(4, len(order))).astype(int)])
    paths = policy_paths(model, shown, job.obs_type, get_algorithm(job.algorithm))
    run.path("policy.gif").write_bytes(gif.tasks_gif(room_of(job.env_id), paths, shown.goal))


def policy_paths(model: Any, tasks: TaskList, obs_type: str, algorithm: Any, horizon: int = 50) -> list[np.ndarray]:
    """The true way that a policy takes in each task: one (T + 1, 2) array of metres a task."""
    import gymnasium as gym

    envs = gym.make_vec(
        tasks.env_id,
        num_envs=len(tasks),
        vectorization_mode="vector_entry_point",
        obs_type=obs_type,
        action_type=algorithm.action_type,
        max_episode_steps=horizon + 1,
        autoreset_mode="next_step",
    )
    try:
        observation, info = envs.reset(options={"start": tasks.start, "goal": tasks.goal})
        paths = [[xy] for xy in info["oracle_position"]]
        running = np.ones(len(tasks), bool)
        for _ in range(horizon):
            actions, _ = model.predict(observation, deterministic=not algorithm.samples)
            observation, _, terminated, _, info = envs.step(actions)
            for lane in np.flatnonzero(running):
                paths[lane].append(info["oracle_position"][lane])
            running &= ~terminated
    finally:
        envs.close()
    return [np.array(path) for path in paths]
