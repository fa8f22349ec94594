"""Streets: views drawn a second and environment steps; what planning in them costs is in bench_planning."""

from __future__ import annotations

from collections.abc import Iterator

from harness import Quantity, rate, run  # first: it sets the threads

# isort: split
import gymnasium as gym
import numpy as np

from plan2vec_envs.image_graph import get_world
from plan2vec_envs.image_graph.street_view.renderer import StreetRenderer


def drive(env: gym.Env, num_steps: int) -> int:
    """Follow links at random."""
    rng = np.random.default_rng(0)
    _, info = env.reset(seed=0)
    for _ in range(num_steps):
        action = int(rng.choice(np.flatnonzero(info["action_mask"])))
        _, _, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            _, info = env.reset()
    return num_steps


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure drawing and stepping."""
    world = get_world("city-1500")
    renderer = StreetRenderer(world)
    places = np.random.default_rng(0).permutation(world.num_places)[:256]
    yield rate("views drawn, 256 places of 1500", "views/s", lambda: len(renderer.views(places, places)), repeats)
    env = gym.make("Plan2vec/StreetLearn-v0")
    yield rate("environment steps, single", "steps/s", lambda: drive(env, 500), repeats)


if __name__ == "__main__":
    run(bench)
