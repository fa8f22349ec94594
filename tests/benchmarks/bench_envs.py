"""Environment steps a second; pixel observations, goal images, the reward's decoding and episode ends included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness import Quantity, rate, run  # first: it sets the threads

# isort: split
import gymnasium as gym
import numpy as np

from plan2vec_envs import get_room
from plan2vec_envs.physics import PymunkCrowd
from plan2vec_envs.render import Renderer

ENV_ID = "Plan2vec/CMaze-v0"


def single_steps(env: gym.Env, num_steps: int) -> int:
    """Step one environment at random."""
    for _ in range(num_steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    return num_steps


def batched_steps(env: gym.vector.VectorEnv, actions: np.ndarray) -> int:
    """Step a batch with given actions (T, N)."""
    for row in actions:
        env.step(row)
    return actions.size


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure the environments, then the parts of which they consist."""
    env = gym.make(ENV_ID)
    env.reset(seed=0)
    yield rate("env steps, single", "steps/s", lambda: single_steps(env, 2000), repeats)
    rng = np.random.default_rng(0)
    for num_envs in (1, 16, 64, 256):
        vector = gym.make_vec(ENV_ID, num_envs=num_envs)
        vector.reset(seed=0)
        actions = rng.integers(0, 8, (max(100, 6400 // num_envs), num_envs))
        steps = lambda v=vector, a=actions: batched_steps(v, a)  # noqa: E731
        yield rate(f"env steps, {num_envs} lanes", "steps/s", steps, repeats)

    room = get_room(env.unwrapped.room.name)
    xy = room.nearest_free(rng.uniform(-0.24, 0.24, (64, 2)))
    renderer, crowd = Renderer(room), PymunkCrowd(room, 64)
    crowd.place(np.arange(64), xy)
    frames, moves = renderer.frames(xy), 0.0249167 * rng.integers(-1, 2, (50, 64, 2))

    def times(action: Callable[[], object]) -> Callable[[], int]:
        return lambda: len([action() for _ in range(50)]) * 64

    physics = lambda: len([crowd.step(move) for move in moves]) * 64  # noqa: E731
    yield rate("physics steps, 64 agents", "steps/s", physics, repeats)
    yield rate("frames drawn, 64", "frames/s", times(lambda: renderer.frames(xy)), repeats)
    yield rate("frames decoded, 64", "frames/s", times(lambda: renderer.decode(frames, check=False)), repeats)
    yield rate("frames decoded and checked, 64", "frames/s", times(lambda: renderer.decode(frames)), repeats)


if __name__ == "__main__":
    run(bench)
