"""Streets: views drawn a second, environment steps, and one decision by latents that are at hand, as the map grows."""

from __future__ import annotations

from collections.abc import Iterator

from harness import Quantity, rate, run  # first: it sets the threads

# isort: split
import gymnasium as gym
import numpy as np

from evaluation import streets
from evaluation.decision_cost import walk_by_table
from evaluation.street_planners import table_of
from evaluation.street_walk import street_tasks
from plan2vec_envs.image_graph import get_world
from plan2vec_envs.image_graph.street_view import StreetRenderer

SIZES = (100, 1000, 10_000)


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
    """Measure drawing, stepping, deciding."""
    world = get_world("city-1500")
    renderer = StreetRenderer(world)
    places = np.random.default_rng(0).permutation(world.num_places)[:256]
    yield rate("views drawn, 256 places of 1500", "views/s", lambda: len(renderer.views(places, places)), repeats)
    env = gym.make("Plan2vec/StreetLearn-v0")
    yield rate("environment steps, single", "steps/s", lambda: drive(env, 500), repeats)
    for size in SIZES:
        world = get_world(f"city-{size}")
        graph = streets.true_graph(world)
        table, _ = table_of(world, graph, 0)
        tasks = street_tasks(world, 50)

        def walk(graph=graph, table=table, tasks=tasks) -> int:
            pairs = zip(tasks.start.tolist(), tasks.goal.tolist(), strict=True)
            return sum(len(walk_by_table(graph, table, start, goal, 200)) - 1 for start, goal in pairs)

        yield rate(f"decisions by one look-up, {size} places", "decisions/s", walk, repeats)


if __name__ == "__main__":
    run(bench)
