"""A point mass in a maze of the package ogbench: data of our own from it, and its five tasks by its own criterion.

The data are not the published datasets of that package, and what is learned from them does not compare with its tables.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse.csgraph import shortest_path

from data_collection.errors import import_extra
from plan2vec_envs.io.files import atomic_write
from plan2vec_envs.io.folders import cache_dir

from ...protocols.goal_env import run_episode

MAZE = "pointmaze-medium-v0"
HORIZON = 200
"""Steps of a recorded trajectory; a way through the maze takes about 130."""
_FARTHEST = 4  # cells from start to target of a trajectory; the tasks are 6 to 10 cells long
_ARRIVED = 0.3  # metres from its target a trajectory hovers
_NOISE = 0.5  # standard deviation of each entry of an action


def make_maze(max_episode_steps: int | None = None) -> Any:
    """The environment.

    Raises:
        MissingExtraError: if ogbench is not installed.
    """
    os.environ.setdefault("MUJOCO_GL", "disabled")  # nothing is drawn, and many machines have no screen
    import gymnasium as gym

    import_extra("ogbench", MAZE, "bench")  # it registers its environments
    return gym.make(MAZE, max_episode_steps=max_episode_steps)


def recording(transitions: int, *, seed: int) -> Path:
    """A flat `.npz` file of `record_trajectories`, made once and kept in the cache folder."""
    path = cache_dir() / "point-maze" / f"{MAZE}-{transitions}-seed{seed}.npz"
    if not path.is_file():
        arrays = record_trajectories(transitions, seed=seed)
        with atomic_write(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    return path


def record_trajectories(transitions: int, *, seed: int) -> dict[str, np.ndarray]:
    """Noisy short walks, none of which goes all the way of a task; half of each hovers at its target.

    Args:
        transitions: rows wanted; whole trajectories of `HORIZON` rows come back.
        seed: of starts, targets and noise.

    Returns:
        ``observations`` (N, 2) float32 metres, ``actions`` (N, 2) float32, ``terminals`` (N,) float32, 1 on the last
        row of a trajectory: the arrays of an OGBench file.
    """
    maze = make_maze().unwrapped
    maze.reset(seed=seed)
    rng = np.random.default_rng(seed)
    cells = [(int(i), int(j)) for i, j in np.argwhere(np.asarray(maze.maze_map) == 0)]
    beside = np.abs(np.array(cells)[:, None] - cells).sum(-1) == 1
    steps_to = [dict(zip(cells, row, strict=True)) for row in shortest_path(beside, unweighted=True).tolist()]
    count = max(1, transitions // HORIZON)
    places, actions = np.empty((count, HORIZON, 2), np.float32), np.empty((count, HORIZON, 2), np.float32)
    for trajectory in range(count):
        far = steps_to[rng.integers(len(cells))]
        starts = [cell for cell in cells if 1 <= far[cell] <= _FARTHEST]
        maze.set_xy(np.array(maze.ij_to_xy(starts[rng.integers(len(starts))])) + rng.uniform(-1, 1, 2))
        noise = rng.normal(0, _NOISE, (HORIZON, 2))
        for step in range(HORIZON):
            here = maze.get_xy().copy()
            towards = np.array(maze.ij_to_xy(_next_cell(maze.xy_to_ij(here), far))) - here
            away = np.linalg.norm(towards)
            wish = towards / away if away > _ARRIVED else np.zeros(2)
            places[trajectory, step] = here
            actions[trajectory, step] = np.clip(wish + noise[step], -1, 1)
            maze.step(actions[trajectory, step])
    terminals = np.zeros((count, HORIZON), np.float32)
    terminals[:, -1] = 1
    return {
        "observations": places.reshape(-1, 2),
        "actions": actions.reshape(-1, 2),
        "terminals": terminals.reshape(-1),
    }


def solve_tasks(
    agent: Any, episodes: int, *, memory: bool = True, seed: int = 0
) -> dict[int, tuple[np.ndarray, float]]:
    """The five tasks of the maze, each so many times.

    Returns:
        Number of the task -> (episodes,) bool of ``info["success"]``, and mean steps of all its episodes.
    """
    maze, found = make_maze(), {}
    for task in range(1, 6):
        first = seed * 100_000 + task * 1000
        runs = [
            run_episode(maze, agent, seed=first + episode, options={"task_id": task}, memory=memory)
            for episode in range(episodes)
        ]
        found[task] = np.array([solved for solved, _ in runs]), float(np.mean([steps for _, steps in runs]))
    return found


def _next_cell(cell: tuple[int, int], steps_to: dict[tuple[int, int], float]) -> tuple[int, int]:
    """The neighbour nearer to the target; the cell itself at the target, or where the point leans into a wall."""
    i, j = cell
    around = [each for each in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1), (i, j)) if each in steps_to]
    return min(around, key=steps_to.__getitem__, default=cell)
