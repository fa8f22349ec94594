"""The rooms as Stable-Baselines3 trains on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from plan2vec_envs.maze.tasks import named_task

from ..protocols.worlds import make_rooms, room_of


def training_envs(
    env_id: str,
    num_envs: int,
    *,
    seed: int,
    obs_type: str = "image",
    action_type: str = "discrete",
    goal: tuple[float, float] | None = None,
) -> Any:
    """Parallel rooms on the native path, monitored: ``VecMonitor(NativeVecEnv(...))``.

    Args:
        env_id: a registered id.
        num_envs: how many.
        seed: lane i gets seed + i.
        obs_type: "image" or "state".
        action_type: "discrete", "discrete9" or "box".
        goal: (x, y) metres of every episode; None for random goals.
    """
    from stable_baselines3.common.vec_env import VecMonitor

    from agents.sb3 import NativeVecEnv

    envs = make_rooms(env_id, num_envs, obs_type=obs_type, action_type=action_type, goal=goal)
    venv = VecMonitor(NativeVecEnv(envs))
    venv.seed(seed)
    return venv


def goal_of(env_id: str, task: str | int | None) -> tuple[float, float] | None:
    """The goal of a named task of a room; None for None.

    Raises:
        UnknownNameError: with the closest task.
    """
    if task is None:
        return None
    x, y = np.asarray(named_task(room_of(env_id), task)[1], float).tolist()
    return x, y
