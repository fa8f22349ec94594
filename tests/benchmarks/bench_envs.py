"""Environment steps a second; pixel observations, goal images, the reward's decoding and episode ends included."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from statistics import median

from harness import Quantity, Work, exponent, installed, quotient, rate, rates_in_turns, run  # sets the threads

# isort: split
import gymnasium as gym
import numpy as np

from agents.sb3 import NativeVecEnv
from plan2vec_envs import get_room
from plan2vec_envs.maze.physics import PymunkCrowd
from plan2vec_envs.maze.render import Renderer

ENV_ID = "Plan2vec/CMaze-v0"
LANES = (1, 16, 64, 256)
# Label -> module, package, environment, arguments of gym.make, steps at a time.
_DRAWN = {"render_mode": "rgb_array", "width": 64, "height": 64}
PEERS = {
    "PointMaze_Large-v3, states": ("gymnasium_robotics", "gymnasium-robotics", "PointMaze_Large-v3", {}, 1000),
    "PointMaze_Large-v3, pixels": ("gymnasium_robotics", "gymnasium-robotics", "PointMaze_Large-v3", _DRAWN, 50),
    "ogbench pointmaze-large, states": ("ogbench", "ogbench", "pointmaze-large-v0", {}, 1000),
    "ogbench visual-antmaze-medium": ("ogbench", "ogbench", "visual-antmaze-medium-v0", {}, 20),
}


def single(num_steps: int, draws: bool = False, env_id: str = ENV_ID, **kwargs: object) -> Work:
    """Steps one environment at random; ``draws`` also renders each state, where observations are no pixels."""
    env = gym.make(env_id, **kwargs)
    env.reset(seed=0)

    def work() -> int:
        for _ in range(num_steps):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if draws:
                env.render()
            if terminated or truncated:
                env.reset()
        return num_steps

    return work


def batched(num_envs: int, obs_type: str = "image", sb3: bool = False) -> Work:
    """Steps a batch with the same random actions each time, by itself or as Stable-Baselines3 does."""
    envs = gym.make_vec(
        ENV_ID, num_envs=num_envs, obs_type=obs_type, autoreset_mode="same_step" if sb3 else "next_step"
    )
    stepped = NativeVecEnv(envs) if sb3 else envs
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 8, (max(100, min(1000, 6400 // num_envs)), num_envs))

    def work() -> int:
        for row in actions:
            stepped.step(row)
        return actions.size

    return work


def environments(repeats: int) -> Iterator[Quantity]:
    """One environment and batches of them, with pixels and with states."""
    for name, obs_type in (("env steps", "image"), ("state steps", "state")):
        works = {f"{name}, {lanes} lanes": batched(lanes, obs_type) for lanes in LANES}
        works[f"{name}, single"] = single(2000, obs_type=obs_type)
        rates, taken = rates_in_turns(works, "steps/s", repeats)
        yield from rates
        # Each repeat by itself: its four batches took turns.
        turns = zip(*(each for each in taken[: len(LANES)]), strict=True)
        found = [exponent(LANES, turn) for turn in turns]
        yield Quantity(f"{name}: exponent", "", median(found), min(found), max(found))
    for lanes in LANES[1:]:
        works = {f"SB3 steps, {lanes} lanes": batched(lanes, sb3=True), "alone": batched(lanes)}
        (rate_there, _), (there, alone) = rates_in_turns(works, "steps/s", repeats)
        yield rate_there
        yield quotient(f"SB3 steps, {lanes} lanes: share kept", "x", alone, there)


def parts(repeats: int) -> Iterator[Quantity]:
    """What a step consists of."""
    room, rng = get_room("c_maze"), np.random.default_rng(0)
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


def peers(repeats: int) -> Iterator[Quantity]:
    """Mazes of others beside ours, one environment and 256 lanes, in turns; those that are installed.

    They simulate other bodies in MuJoCo and draw in colour, by software where there is no graphics card, so the ratios
    say what an experiment costs here and there, not who has the better renderer.
    """
    os.environ.setdefault("MUJOCO_GL", "egl")  # draws without a display
    os.environ.setdefault("LP_NUM_THREADS", "0")  # by software on the one thread that is measured
    packages = {module: package for module, package, *_ in PEERS.values()}
    present = {module: installed(module, package) for module, package in packages.items()}
    for label, (module, _, env_id, kwargs, num_steps) in PEERS.items():
        if not present[module]:
            continue
        __import__(module)  # registers its environments
        draws = bool(kwargs)
        try:
            theirs = single(num_steps, draws, env_id, **kwargs)
            theirs()
        except Exception as error:  # whatever a missing graphics driver raises
            print(f"{label} is not measured, as it does not run here: {error!r}", file=sys.stderr, flush=True)
            continue
        obs_type = "image" if draws or "visual" in env_id else "state"
        works = {label: theirs, "one": single(1000, obs_type=obs_type), "many": batched(256, obs_type)}
        (rate_there, *_), (there, one, many) = rates_in_turns(works, "steps/s", min(repeats, 5))
        yield rate_there
        ours = "env steps" if obs_type == "image" else "state steps"
        yield quotient(f"{ours}, single vs {label}", "x", there, one)
        yield quotient(f"{ours}, 256 lanes vs {label}", "x", there, many)


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure the environments, then the parts of which they consist, then those of others."""
    yield from environments(repeats)
    yield from parts(repeats)
    yield from peers(repeats)


if __name__ == "__main__":
    run(bench)
