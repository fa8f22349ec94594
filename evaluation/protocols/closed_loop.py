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
            in place of observations.
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
    envs = _make_lanes(tasks, horizon, obs_type, action_type_of(agent))
    try:
        observation, info = envs.reset(seed=seed, options={"start": tasks.start, "goal": tasks.goal})
        log = _Log(tasks, horizon, np.asarray(info["oracle_position"], np.float64))
        while log.active.any() and log.clock < horizon:
            state, goal = _inputs(observation, info, is_oracle)
            started = time.perf_counter()
            action = agent.act(state, goal, memory=lanes, rng=rng)
            log.acting_seconds += time.perf_counter() - started
            observation, _, terminated, truncated, info = envs.step(action)
            log.record(_after_step(info, terminated | truncated))
    finally:
        envs.close()
    return EvalResult(
        agent=agent.name,
        env_id=tasks.env_id,
        protocol="closed-loop",
        memory=lanes is not None,
        oracle=is_oracle,
        seed=seed,
        horizon=horizon,
        **log.scores(),
        blocked=tasks.blocked,
        seconds_per_decision=log.acting_seconds / max(1, log.decisions),
        config={"first_seed": int(tasks.seeds[0]), "num_tasks": len(tasks), "obs_type": obs_type},
        trajectories=log.paths() if keep_paths else (),
    )


def obs_type_of(source: Any) -> str:
    """The observation type of an agent or of a dataset, "image" or "state", by its `is_image`."""
    return "image" if getattr(source, "is_image", True) else "state"


def action_type_of(agent: Any) -> str:
    """What a room must accept for this agent to act: "discrete", "discrete9" or "box", by its `num_actions`."""
    known = {8: "discrete", 9: "discrete9", None: "box"}
    return known.get(getattr(agent, "num_actions", 8), "discrete")


class _Log:
    """What is counted while the lanes run: steps, successes, closest approach, positions."""

    def __init__(self, tasks: TaskList, horizon: int, start: np.ndarray) -> None:
        self.tasks, self.horizon, self.clock = tasks, horizon, 0
        self.active = np.ones(len(tasks), bool)
        self.success = np.zeros(len(tasks), bool)
        self.steps = np.full(len(tasks), horizon, np.int64)
        self.closest = np.full(len(tasks), np.inf)
        self.positions = [start]
        self.acting_seconds, self.decisions = 0.0, 0

    def record(self, after: tuple[np.ndarray, np.ndarray]) -> None:
        """Counts one step of the lanes that still run."""
        position, success = after
        self.clock += 1
        self.decisions += len(self.active)
        self.positions.append(position)
        gap = np.linalg.norm(position - self.tasks.goal, axis=1)
        self.closest = np.where(self.active, np.minimum(self.closest, gap), self.closest)
        reached = self.active & success
        self.success |= reached
        self.steps[reached] = self.clock
        self.active &= ~success

    def scores(self) -> dict[str, Any]:
        """The score arrays of an `EvalResult`."""
        return scores(self.success, self.closest, self.steps, self.tasks.least_steps)

    def paths(self) -> list[np.ndarray]:
        """True positions of each lane up to its last counted step."""
        stacked = np.stack(self.positions)  # (T + 1, J, 2)
        return [stacked[: steps + 1, lane] for lane, steps in enumerate(self.steps)]


def _make_lanes(tasks: TaskList, horizon: int, obs_type: str, action_type: str = "discrete") -> Any:
    import gymnasium as gym

    options: dict[str, Any] = {} if action_type == "discrete" else {"action_type": action_type}
    return gym.make_vec(
        tasks.env_id,
        num_envs=len(tasks),
        vectorization_mode="vector_entry_point",
        max_episode_steps=horizon,
        autoreset_mode="same_step",
        obs_type=obs_type,
        **options,
    )


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
    envs = _make_lanes(tasks.take(slice(0, 1)), repeats, obs_type)
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
