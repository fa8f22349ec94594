"""What the metric costs as a reward: environment steps a second with it and without, 16 lanes of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from harness import Quantity, rate, run, seconds

# isort: split
import gymnasium as gym
import numpy as np
from small_agents import small_agent
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import plan2vec_envs  # noqa: F401  (registers the rooms)
from agents.reward import MetricReward
from agents.sb3 import MetricRewardVecEnv, NativeVecEnv

ENV_ID, LANES = "Plan2vec/CMaze-v0", 16


def native() -> VecEnv:
    """Lanes of the native vector environment."""
    return NativeVecEnv(gym.make_vec(ENV_ID, LANES, autoreset_mode="same_step"))


def dummy() -> VecEnv:
    """The same as single environments, one after the other."""
    return DummyVecEnv([lambda: gym.make(ENV_ID) for _ in range(LANES)])


def stepper(venv: VecEnv, num_steps: int) -> Callable[[], int]:
    """Steps at random, the same actions each time."""
    venv.seed(0)
    venv.reset()
    actions = np.random.default_rng(0).integers(0, 8, (num_steps, LANES))

    def work() -> int:
        for row in actions:
            venv.step(row)
        return actions.size

    return work


def bench(repeats: int) -> Iterator[Quantity]:
    """Both ways to run 16 environments, bare and paid; then the embedding alone."""
    agent = small_agent(ENV_ID)
    for name, make, num_steps in (("native", native, 400), ("DummyVecEnv", dummy, 60)):
        bare, paid = stepper(make(), num_steps), stepper(MetricRewardVecEnv(make(), MetricReward(agent)), num_steps)
        (done, without), (_, with_metric) = seconds([(bare, repeats), (paid, repeats)])
        for label, taken in (("", without), (", paid by the metric", with_metric)):
            yield Quantity(
                f"{name}, {LANES} lanes{label}", "steps/s", done / median(taken), done / max(taken), done / min(taken)
            )
        added = [1e6 * (b - a) / done for a, b in zip(without, with_metric, strict=True)]
        yield Quantity(f"{name}: added by the metric", "us/step", median(added), min(added), max(added))
        kept = [a / b for a, b in zip(without, with_metric, strict=True)]
        yield Quantity(f"{name}: throughput kept", "x", median(kept), min(kept), max(kept))
    frames = np.random.default_rng(0).integers(0, 255, (LANES, 1, 64, 64), np.uint8)
    embed = lambda: len([agent.embed(frames) for _ in range(200)]) * LANES  # noqa: E731
    yield rate(f"embedding, {LANES} at a time", "images/s", embed, repeats)


if __name__ == "__main__":
    run(bench)
