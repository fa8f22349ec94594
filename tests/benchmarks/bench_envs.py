"""Environment steps a second, run by hand: ``python tests/benchmarks/bench_envs.py``.

Pixel observations, goal images, the reward's decoding and episode ends are all included. One thread; the
median of several repeats after a warm-up, with their range.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pymunk

from plan2vec_envs import get_room
from plan2vec_envs.physics import PymunkCrowd
from plan2vec_envs.render import Renderer


def report(what: str, run: Callable[[], int], repeats: int) -> None:
    """Print how many things a second ``run`` does; it returns how many it did."""
    run()
    rates = []
    for _ in range(repeats):
        begin = time.perf_counter()
        done = run()
        rates.append(done / (time.perf_counter() - begin))
    print(f"{what:<34}{np.median(rates):>12,.0f} /s   ({min(rates):,.0f} to {max(rates):,.0f})")


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


def main() -> None:
    """Measure the environments, then the parts of which they consist."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="Plan2vec/CMaze-v0")
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    versions = f"numpy {np.__version__}, pymunk {pymunk.version}, gymnasium {gym.__version__}"
    print(f"{args.env}, one thread, Python {platform.python_version()}, {versions}\n")

    env = gym.make(f"plan2vec_envs:{args.env}")
    env.reset(seed=0)
    report("env steps, single", lambda: single_steps(env, 2000), args.repeats)
    rng = np.random.default_rng(0)
    for num_envs in (1, 16, 64, 256):
        vector = gym.make_vec(args.env, num_envs=num_envs)
        vector.reset(seed=0)
        actions = rng.integers(0, 8, (max(100, 6400 // num_envs), num_envs))
        report(f"env steps, {num_envs} lanes", lambda v=vector, a=actions: batched_steps(v, a), args.repeats)

    room = get_room(env.unwrapped.room.name)
    xy = room.nearest_free(rng.uniform(-0.24, 0.24, (64, 2)))
    renderer, crowd = Renderer(room), PymunkCrowd(room, 64)
    crowd.place(np.arange(64), xy)
    frames, moves = renderer.frames(xy), 0.0249167 * rng.integers(-1, 2, (50, 64, 2))

    def times(action: Callable[[], object]) -> Callable[[], int]:
        return lambda: len([action() for _ in range(50)]) * 64

    print()
    report("physics steps, 64 agents", lambda: len([crowd.step(move) for move in moves]) * 64, args.repeats)
    report("frames drawn, 64", times(lambda: renderer.frames(xy)), args.repeats)
    report("frames decoded, 64", times(lambda: renderer.decode(frames, check=False)), args.repeats)
    report("frames decoded and checked, 64", times(lambda: renderer.decode(frames)), args.repeats)


if __name__ == "__main__":
    main()
