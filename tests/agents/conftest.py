"""What tests of agents share."""

from __future__ import annotations

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

import plan2vec_envs  # noqa: F401  (registers the rooms)
from agents import get_agent
from data_collection import Dataset, Episode


@pytest.fixture(scope="session")
def quick_agent():
    """A plan2vec agent that saw a few frames of a room, and learned next to nothing."""
    envs = gym.make_vec("Plan2vec/Open-v0", 12)
    frames = [envs.reset(seed=0)[0]["observation"]]
    actions = np.random.default_rng(0).integers(8, size=(6, 12))
    frames += [envs.step(each)[0]["observation"] for each in actions]
    episodes = [Episode(np.stack([frame[i] for frame in frames]), actions[:, i]) for i in range(12)]

    def quick(config):
        parts = {name: quick(part) for name, part in vars(config).items() if hasattr(part, "__dataclass_fields__")}
        return replace(config, **parts, **({"steps": 4} if hasattr(config, "steps") else {}))

    plan2vec = get_agent("plan2vec")
    dataset = Dataset.from_episodes(episodes, num_actions=8)
    return plan2vec(quick(plan2vec().config)).fit(dataset, progress=False)
