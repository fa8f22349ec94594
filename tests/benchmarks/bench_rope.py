"""Drags of the rope a second: the physics alone, its pictures, and the environment with both."""

from __future__ import annotations

from collections.abc import Iterator

from harness import Quantity, rate, run  # first: it sets the threads

# isort: split
import gymnasium as gym
import numpy as np

from plan2vec_envs import ROPE_ID
from plan2vec_envs.rope.picture import draw_frames
from plan2vec_envs.rope.shape import LINK, NODES, TETHER
from plan2vec_envs.rope.wander import wander


def env_steps(env: gym.Env, num_steps: int) -> int:
    """Step at random."""
    for _ in range(num_steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    return num_steps


def resets(env: gym.Env, num_resets: int) -> int:
    """Draw tasks."""
    for _ in range(num_resets):
        env.reset()
    return num_resets


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure the rope."""
    rng = np.random.default_rng(0)
    straight = np.array(TETHER) + LINK * np.arange(NODES)[:, None] * np.array([0.0, 1.0])
    nodes, _ = wander(straight, 100, rng)
    yield rate("rope drags", "drags/s", lambda: len(wander(nodes[-1], 100, rng)[1]), repeats)
    yield rate("rope frames drawn", "frames/s", lambda: len(draw_frames(nodes)), repeats)
    env = gym.make(ROPE_ID)
    env.reset(seed=0)
    yield rate("rope env steps", "steps/s", lambda: env_steps(env, 100), repeats)
    yield rate("rope env resets", "resets/s", lambda: resets(env, 5), repeats)


if __name__ == "__main__":
    run(bench)
