"""One episode of any goal-conditioned environment: Gymnasium's dict of goals, or OGBench's info."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from ..errors import ProtocolError


def run_episode(
    env: Any, agent: Any, *, seed: int, options: dict[str, Any] | None = None, memory: bool = True
) -> tuple[bool, int]:
    """Let an agent act until the episode ends.

    Args:
        env: of the Gymnasium interface; its goal is ``observation["desired_goal"]`` or ``info["goal"]``.
        agent: anything with ``act(observation, goal, *, memory, rng)``.
        seed: of the reset, and of the generator handed to the agent.
        options: of the reset.
        memory: whether the agent may remember what it tried.

    Returns:
        Whether ``info["is_success"]`` or ``info["success"]`` was ever true, and steps taken.

    Raises:
        ProtocolError: if the environment shows no goal.
    """
    seen, info = env.reset(seed=seed, options=options)
    lanes, rng = agent.new_memory(1) if memory else None, np.random.default_rng(seed)
    solved, steps, done = False, 0, False
    while not done:
        here, goal = _read(seen, info, agent)
        action = agent.act(here[None], goal[None], memory=lanes, rng=rng)[0]
        seen, _, terminated, truncated, after = env.step(action)
        info = {**info, **after}
        solved |= bool(after.get("is_success", after.get("success", False)))
        done, steps = bool(terminated or truncated), steps + 1
    return solved, steps


def make_goal_env(env_id: str) -> Any:
    """The environment of that id, looked at once.

    Raises:
        ProtocolError: if there is none, or it shows no goal.
    """
    try:
        env = gym.make(env_id)
    except (gym.error.Error, ImportError) as error:
        raise ProtocolError(
            f"Gymnasium cannot make environment {env_id!r}: {error} If another package registers it, write "
            "'package:id', such as 'plan2vec_envs:Plan2vec/CMaze-v0'"
        ) from error
    try:
        _read(*env.reset(seed=0), None)
    except ProtocolError:
        env.close()
        raise
    return env


def judge_in_env(agent: Any, env_id: str, tasks: int, *, first_seed: int, memory: bool = True) -> dict[str, Any]:
    """Success over the environment's own draws for consecutive seeds.

    Returns:
        ``solved`` (tasks,) bool, ``steps`` (tasks,) int64.
    """
    env = make_goal_env(env_id)
    try:
        runs = [run_episode(env, agent, seed=first_seed + number, memory=memory) for number in range(tasks)]
    finally:
        env.close()
    return {"solved": np.array([one for one, _ in runs]), "steps": np.array([steps for _, steps in runs])}


def _read(seen: Any, info: dict[str, Any], agent: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(seen, dict) and {"observation", "desired_goal"} <= seen.keys():
        here, goal = seen["observation"], seen["desired_goal"]
    elif not isinstance(seen, dict) and "goal" in info:
        here, goal = seen, info["goal"]
    else:
        raise ProtocolError(
            "the environment shows no goal: need observations with 'observation' and 'desired_goal', or info['goal']"
        )
    kind = np.uint8 if getattr(agent, "is_image", False) else np.float32
    return np.asarray(here, kind), np.asarray(goal, kind)
