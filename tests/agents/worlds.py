"""Tiny worlds for tests: points on a plane that move by one unit, whose true distances are known; walking squares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents import Plan2VecConfig
from agents.metrics.distillation import LandmarkRegressionConfig
from data_collection import Dataset, Episode

MOVES = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)], np.float32)


def plane(episodes: int = 60, steps: int = 8, side: float = 5.0, seed: int = 0, continuous: bool = False) -> Dataset:
    """Random walks on [0, side]^2 with four unit moves (or small vector moves); a border stops the move."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(episodes):
        position = rng.uniform(0, side, 2).astype(np.float32)
        observations, actions = [position], []
        for _ in range(steps):
            action = rng.uniform(-1, 1, 2).astype(np.float32) if continuous else np.int64(rng.integers(4))
            move = action if continuous else MOVES[action]
            target = observations[-1] + move
            observations.append(target if ((target >= 0) & (target <= side)).all() else observations[-1])
            actions.append(action)
        made.append(Episode(np.stack(observations), np.array(actions)))
    return Dataset.from_episodes(made, num_actions=None if continuous else 4)


def squares(episodes: int = 40, side: int = 24) -> Dataset:
    """A bright square of 6 pixels that walks over a dark image by two pixels a move."""
    rng = np.random.default_rng(0)
    moves = np.array([(2, 0), (-2, 0), (0, 2), (0, -2)])
    made = []
    for _ in range(episodes):
        place, frames, actions = rng.integers(0, side - 5, 2), [], rng.integers(4, size=8)
        for action in (*actions, 0):
            frame = np.zeros((1, side, side), np.uint8)
            frame[0, place[0] : place[0] + 6, place[1] : place[1] + 6] = 255
            frames.append(frame)
            place = np.clip(place + moves[action], 0, side - 6)
        made.append(Episode(np.stack(frames), actions))
    return Dataset.from_episodes(made, num_actions=4)


def quick_config(steps: int = 60) -> Plan2VecConfig:
    """A configuration that fits in about a second; what it learns is rough."""
    config = Plan2VecConfig()
    return replace(
        config,
        local_metric=replace(config.local_metric, members=2, steps=steps, hidden=32, batch_pairs=32),
        graph=replace(config.graph, max_vertices=300),
        global_metric=replace(
            config.global_metric,
            hidden=32,
            algorithm=LandmarkRegressionConfig(steps=steps, sources=64, batch_sources=32, batch_frames=64),
        ),
        forward_model=replace(config.forward_model, steps=steps, hidden=32),
    )
