"""Fakes: agents that know too much, so that the harness itself can be judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents import Graph
from agents.graphs.shortest_paths import shortest_plan
from evaluation.protocols.oracles import GeodesicGreedy
from evaluation.protocols.worlds import room_of
from plan2vec_envs.maze.geodesic import GeodesicOracle
from plan2vec_envs.maze.render import Renderer

CMAZE = "Plan2vec/CMaze-v0"


class SeeingAgent:
    """Decodes the frames it is given and follows the geodesic: a perfect agent that sees images only."""

    name = "seeing"

    def __init__(self, env_id: str) -> None:
        room = room_of(env_id)
        self._renderer, self._greedy, self._oracle = Renderer(room), GeodesicGreedy(room), GeodesicOracle(room)

    def act(self, observation, goal, *, memory=None, rng=None):
        assert observation.dtype == np.uint8
        assert observation.shape[1:] == (1, 64, 64)
        return self._greedy.act(self._renderer.decode(observation), self._renderer.decode(goal))

    def new_memory(self, num_episodes):
        return None

    def distance(self, x, g):
        return self._oracle.distance(self._renderer.decode(x), self._renderer.decode(g))


class LineAgent(SeeingAgent):
    """Its distance is the straight line: it knows nothing of walls."""

    def distance(self, x, g):
        return np.linalg.norm(self._renderer.decode(x) - self._renderer.decode(g), axis=1)


class Chain:
    """A corridor of frames one step apart, linked both ways: a graph whose truth is plain."""

    name = "chain"

    def __init__(self, length: int = 8, goal_side: int = 1) -> None:
        self.goal_side, self.vertex_rows = goal_side, np.arange(length)
        links = [(u, v, 1.0) for u in range(length) for v in (u - 1, u + 1) if 0 <= v < length]
        self.graph = Graph.from_edges(length, links)
        self.questions: list[tuple[float, float]] = []

    def distance(self, x, g):
        self.questions += zip(x[:, 0].tolist(), g[:, 0].tolist(), strict=True)
        return self.goal_side * np.abs(x[:, 0] - g[:, 0])

    def plan(self, observation, goal):
        return shortest_plan(self.graph, int(observation[0]), int(goal[0]))


class ChainDataset:
    """The dataset of a `Chain`: the observation of a frame is its number."""

    env_id = "Plan2vec/Open-v0"
    fingerprint = "0" * 64

    def __init__(self, length: int = 8) -> None:
        self.observations = np.arange(length, dtype=np.float32)[:, None]
        self.oracle_position = np.stack([0.03 * np.arange(length) - 0.1, np.zeros(length)], 1)


@pytest.fixture
def seeing_agent() -> SeeingAgent:
    return SeeingAgent(CMAZE)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, shared_cache) -> Path:
    """A whole run of the smallest kind, finished, by the command line."""
    from evaluation.cli import main

    out = tmp_path_factory.mktemp("runs")
    assert main([*TINY, "--out", str(out)]) == 0
    (folder,) = out.glob("*/*/*")
    return folder


TINY = [
    *("train", CMAZE, "--rollouts", "20", "--tasks", "8"),
    *(
        "--config.local-metric.steps",
        "5",
        "--config.global-metric.algorithm.steps",
        "5",
        "--config.forward-model.steps",
        "5",
    ),
]
