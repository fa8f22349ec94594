"""Agents that drag a rope: every task in an environment of its own, all of them in step, pictures alone in between."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from plan2vec_envs import ROPE_ID

from ...protocols.tasks import FIRST_SEED


@dataclass(frozen=True, eq=False)
class RopeRuns:
    """J tasks as an agent left them.

    Attributes:
        success: (J,) bool, whether the goal was reached.
        steps: (J,) int64, actions taken.
        least: (J,) float64 pixels, the least displacement of the node farthest from its place, over the episode.
        nodes: a (T + 1, 22, 2) array a task, the true configurations.
        goals: (J, 22, 2) true goals.
        seconds_per_decision: of acting alone, a lane.
    """

    success: np.ndarray
    steps: np.ndarray
    least: np.ndarray
    nodes: list[np.ndarray]
    goals: np.ndarray
    seconds_per_decision: float


def drag_to_goals(agent: Any, num_tasks: int, *, horizon: int, seed: int) -> RopeRuns:
    """Let an agent act on the tasks that `reset(seed=FIRST_SEED + j)` draws; the rope's order can be seen.

    Args:
        agent: anything with `act(observation, goal, *, memory, rng)` and box actions.
        num_tasks: J.
        horizon: actions allowed.
        seed: of the generator handed to the agent.
    """
    import gymnasium as gym

    envs = [gym.make(ROPE_ID, max_episode_steps=horizon) for _ in range(num_tasks)]
    lanes, rng = agent.new_memory(num_tasks), np.random.default_rng(seed)
    begun = [env.reset(seed=FIRST_SEED + number) for number, env in enumerate(envs)]
    pictures, wanted = (np.stack([seen[key] for seen, _ in begun]) for key in ("observation", "desired_goal"))
    nodes, targets = [[info["oracle_position"]] for _, info in begun], [info["oracle_goal"] for _, info in begun]
    success, steps = np.zeros(num_tasks, bool), np.zeros(num_tasks, np.int64)
    least, spent, decisions = np.full(num_tasks, np.inf), 0.0, 0
    for _ in range(horizon):
        if success.all():
            break
        started = time.perf_counter()
        actions = agent.act(pictures, wanted, memory=lanes, rng=rng)
        spent += time.perf_counter() - started
        decisions += num_tasks
        for j in np.flatnonzero(~success).tolist():
            seen, _, success[j], _, info = envs[j].step(actions[j])
            pictures[j] = seen["observation"]
            nodes[j].append(info["oracle_position"])
            least[j] = min(least[j], info["oracle_displacement"])
            steps[j] += 1
    paths = [np.stack(each) for each in nodes]
    return RopeRuns(success, steps, least, paths, np.stack(targets), spent / max(1, decisions))
