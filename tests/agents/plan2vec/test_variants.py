"""Every choice of the method reaches the agent through its configuration, and a saved agent has it still."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agents import Plan2Vec, load_agent
from agents.metrics.distillation import AmortizedSearchConfig, LandmarkRegressionConfig, ValueIterationConfig
from agents.metrics.heads.iqe import IQEHead
from agents.metrics.heads.l2 import SquaredL2Head
from agents.metrics.heads.lp import LpHead
from agents.metrics.local_losses import NCE
from data_collection import Dataset, Episode

from ..worlds import plane, quick_config

FEW = {"steps": 10, "plans": 16, "batch_pairs": 16}
VARIANTS = {
    "lp": {"head": LpHead(p=1.2)},
    "largest difference": {"head": LpHead(p=math.inf)},
    "squared L2": {"head": SquaredL2Head()},
    "IQE": {"head": IQEHead(size=2, reduction="sum")},
    "Algorithm 1 as printed": {
        "algorithm": AmortizedSearchConfig(**FEW, search="a_star", max_expansions=None),
        "loss": "absolute",
    },
    "Algorithm 2": {"algorithm": ValueIterationConfig(**FEW, epsilon=0.1)},
}


def fitted(dataset: Dataset, **options) -> Plan2Vec:
    config = quick_config(10)
    return Plan2Vec(replace(config, global_metric=replace(config.global_metric, **options))).fit(
        dataset, progress=False
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_a_saved_variant_measures_and_acts_as_before(name, tmp_path):
    agent = fitted(plane(episodes=30), **VARIANTS[name])
    agent.save(tmp_path)
    loaded = load_agent(tmp_path)
    assert loaded.config == agent.config
    a, b = np.random.default_rng(0).uniform(0, 5, (2, 40, 2)).astype(np.float32)
    np.testing.assert_array_equal(loaded.distance(a, b), agent.distance(a, b))
    np.testing.assert_array_equal(loaded.act(a, b), agent.act(a, b))
    between = agent.global_metric.between(agent.embed(a), agent.embed(b))
    np.testing.assert_allclose(agent.distance(a, b), between, rtol=1e-6)
    assert np.isfinite(between).all()


def test_a_one_way_head_makes_a_one_way_agent():
    agent = fitted(plane(episodes=30), **VARIANTS["IQE"])
    a, b = np.random.default_rng(0).uniform(0, 5, (2, 40, 2)).astype(np.float32)
    assert not np.allclose(agent.distance(a, b), agent.distance(b, a), rtol=1e-2)


@pytest.fixture(scope="module")
def images() -> Dataset:
    """A bright square on a 16x16 image that wanders by two pixels."""
    rng = np.random.default_rng(0)
    episodes = []
    for _ in range(8):
        at = rng.integers(2, 10, 2)
        frames, actions = [], []
        for _ in range(5):
            frame = np.zeros((1, 16, 16), np.uint8)
            frame[0, at[0] : at[0] + 4, at[1] : at[1] + 4] = 255
            frames.append(frame)
            actions.append(np.int64(rng.integers(4)))
            at = np.clip(at + 2 * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])[actions[-1]], 0, 12)
        episodes.append(Episode(np.stack(frames), np.array(actions[:-1])))
    return Dataset.from_episodes(episodes, num_actions=4)


@pytest.mark.parametrize(
    "options",
    [
        {"trunk": "cnn"},
        {"trunk": "resnet18", "algorithm": LandmarkRegressionConfig(batch_frames=16, batch_sources=8, steps=3)},
        {
            "trunk": "resnet18_coord",
            "algorithm": ValueIterationConfig(steps=3, plans=4, batch_pairs=4, refresh=1),
        },
    ],
    ids=lambda options: options["trunk"],
)
def test_a_saved_trunk_keeps_its_statistics(options, images, tmp_path):
    agent = fitted(images, **options)
    agent.save(tmp_path)
    frames = np.array(images.observations)
    latents = agent.embed(frames)
    np.testing.assert_array_equal(load_agent(tmp_path).embed(frames), latents)
    np.testing.assert_allclose(latents[3], agent.embed(frames[3]), rtol=1e-4, atol=1e-5)  # whatever is beside it
    np.testing.assert_array_equal(agent.vertex_embeddings, agent.embed(frames[agent.vertex_rows]))


def test_every_choice_can_be_made_on_the_command_line():
    from evaluation.commands.context import Context

    typed = {
        "local_metric.negatives": "nce",
        "graph.recorded_weight": "local",
        "global_metric.trunk": "resnet18",
        "global_metric.head": "lp",
        "global_metric.head.p": "inf",
        "global_metric.algorithm": "value_iteration",
        "global_metric.algorithm.lookahead": "5",
        "global_metric.loss": "absolute",
    }
    args = [word for name, value in typed.items() for word in (f"--config.{name}", value)]
    config = Context("", args).agent_config("plan2vec")
    expected = Plan2Vec().config
    assert config == replace(
        expected,
        local_metric=replace(expected.local_metric, negatives=NCE()),
        graph=replace(expected.graph, recorded_weight="local"),
        global_metric=replace(
            expected.global_metric,
            trunk="resnet18",
            head=LpHead(p=math.inf),
            algorithm=ValueIterationConfig(lookahead=5),
            loss="absolute",
        ),
    )
