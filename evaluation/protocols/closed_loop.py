"""The closed-loop protocol: all tasks in lockstep, only observations reach the agent.

A lane is counted until its first success or until `horizon` steps have passed; what the vector environment does with
it afterwards is ignored. Success at .02 m is the environment's own verdict after a step. Success at .03 and .04 m
asks whether the true position came that close after any counted step.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from .results import EvalResult, scores
from .tasks import TaskList
from .worlds import make_rooms


def closed_loop(
    agent: Any,
    tasks: TaskList,
    *,
    memory: bool = True,
    horizon: int = 50,
    seed: int = 0,
    keep_paths: bool = True,
    obs_type: str = "image",
) -> EvalResult:
    """Lets an agent act on every task and says how it did.

    Args:
        agent: anything with `act(observation, goal, *, memory, rng)`; an agent marked `is_oracle` gets true positions
            in place of observations. Its `num_actions` (8, 9, or None for two numbers) says what the rooms accept.
        tasks: J tasks, one lane each.
        memory: whether the agent may remember what it tried; agents without a memory act the same either way.
        horizon: steps allowed.
        seed: of the generator handed to the agent.
        keep_paths: whether to keep true trajectories for figures.
        obs_type: "image" or "state", what the agent was trained on.

    Raises:
        UnknownNameError: for another observation type.
    """
    is_oracle = bool(getattr(agent, "is_oracle", False))
    lanes = agent.new_memory(len(tasks)) if memory and hasattr(agent, "new_memory") else None
    rng = np.random.default_rng(seed)
    action_type = {9: "discrete9", None: "box"}.get(getattr(agent, "num_actions", 8), "discrete")
    options = {"max_episode_steps": horizon, "obs_type": obs_type, "action_type": action_type}
    envs = make_rooms(tasks.env_id, len(tasks), **options)
    try:
        observation, info = envs.reset(seed=seed, options={"start": tasks.start, "goal": tasks.goal})
        positions, solved = [np.asarray(info["oracle_position"], np.float64)], [np.zeros(len(tasks), bool)]
        seconds = 0.0
        while len(positions) <= horizon and not np.any(solved, axis=0).all():
            state, goal = _inputs(observation, info, is_oracle)
            started = time.perf_counter()
            action = agent.act(state, goal, memory=lanes, rng=rng)
            seconds += time.perf_counter() - started
            observation, _, terminated, truncated, info = envs.step(action)
            position, success = _after_step(info, terminated | truncated)
            positions.append(position)
            solved.append(success)
    finally:
        envs.close()
    paths = np.stack(positions)  # (T + 1, J, 2)
    gap = np.linalg.norm(paths - tasks.goal, axis=-1)
    found = scores(gap, np.stack(solved), horizon, tasks.least_steps)
    return EvalResult(
        agent=agent.name,
        env_id=tasks.env_id,
        protocol="closed-loop",
        memory=lanes is not None,
        oracle=is_oracle,
        seed=seed,
        horizon=horizon,
        **found,
        blocked=tasks.blocked,
        seconds_per_decision=seconds / max(1, gap[1:].size),
        config={"first_seed": int(tasks.seeds[0]), "num_tasks": len(tasks), "obs_type": obs_type},
        trajectories=[paths[: steps + 1, lane] for lane, steps in enumerate(found["steps"])] if keep_paths else (),
    )


def obs_type_of(source: Any) -> str:
    """The observation type of an agent or of a dataset, "image" or "state", by its `is_image`."""
    return "image" if getattr(source, "is_image", True) else "state"


def _inputs(observation: dict[str, np.ndarray], info: dict[str, Any], is_oracle: bool) -> tuple[Any, Any]:
    if is_oracle:
        return np.asarray(info["oracle_position"], np.float64), np.asarray(info["oracle_goal"], np.float64)
    return observation["observation"], observation["desired_goal"]


def _after_step(info: dict[str, Any], done: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and verdicts after the step, before a finished lane was reset."""
    position = np.array(info["oracle_position"], np.float64)
    success = np.array(info.get("is_success", np.zeros(len(done))), bool)  # absent when every lane has ended
    if done.any():
        final = info["final_info"]
        position[done] = np.asarray(final["oracle_position"], np.float64)[done]
        success[done] = np.asarray(final["is_success"], bool)[done]
    return position, success


def decision_seconds(agent: Any, tasks: TaskList, *, repeats: int = 200, obs_type: str = "image") -> float:
    """Median wall seconds of one decision at batch size 1, after warm-up, with a memory where the agent has one."""
    envs = make_rooms(tasks.env_id, 1, obs_type=obs_type)
    try:
        observation, info = envs.reset(options={"start": tasks.start[:1], "goal": tasks.goal[:1]})
        state, goal = _inputs(observation, info, bool(getattr(agent, "is_oracle", False)))
    finally:
        envs.close()
    lanes = agent.new_memory(1) if hasattr(agent, "new_memory") else None
    rng = np.random.default_rng(0)
    seconds = []
    for repeat in range(20 + repeats):
        if lanes is not None and repeat % 50 == 0:
            lanes.forget()  # as long as a task lasts, no longer
        started = time.perf_counter()
        agent.act(state, goal, memory=lanes, rng=rng)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[20:]))
