"""What a call of act costs: the default agent for images, for one lane and for many at once."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from harness import Growth, Quantity, Work, run, seconds  # first: it sets the threads

# isort: split
import numpy as np
from small_agents import small_agent

from agents import Plan2Vec
from data_collection import make_dataset

ENV_ID, LANES, CALLS = "Plan2vec/CMaze-v0", (1, 16, 256), 100  # more calls than the memory has room for


def acting(agent: Plan2Vec, frames: np.ndarray, lanes: int, *, remembers: bool, new_goals: bool) -> Work:
    """Calls at other observations each time; the goals stay, or are others each time."""
    rng = np.random.default_rng(0)
    seen = frames[rng.integers(len(frames), size=(10, lanes))]
    goals = frames[rng.integers(len(frames), size=(2, lanes))]
    memory = agent.new_memory(lanes) if remembers else None

    def work() -> int:
        for call in range(CALLS):
            agent.act(seen[call % len(seen)], goals[call % 2 if new_goals else 0], memory=memory)
        return CALLS

    return work


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure each way to act for each number of lanes: a call, and what a lane of it costs."""
    agent = small_agent(ENV_ID)
    frames = np.array(make_dataset(ENV_ID, size="30x10", seed=0, progress=False).observations)
    ways = {
        "act": {"remembers": False, "new_goals": False},
        "act with memory": {"remembers": True, "new_goals": False},
        "act to other goals each time": {"remembers": False, "new_goals": True},
    }
    growth = Growth("lanes")
    for lanes in LANES:
        works = [acting(agent, frames, lanes, **options) for options in ways.values()]
        few = repeats if lanes < max(LANES) else min(repeats, 3)
        for name, (done, taken) in zip(ways, seconds([(work, few) for work in works]), strict=True):
            yield growth.time(name, lanes, [each / done for each in taken], "ms")
            shares = [1e6 * each / done / lanes for each in taken]
            yield Quantity(f"{name}, {lanes} lanes: share of a lane", "us", median(shares), min(shares), max(shares))
    yield from growth.exponents()


if __name__ == "__main__":
    run(bench)
