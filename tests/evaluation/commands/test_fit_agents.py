"""`plan2vec fit --agent`: every registered agent on every kind of recording is trained, or refused by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from agents import AGENTS, get_agent, load_agent
from data_collection import Dataset, save_dataset
from evaluation.cli import main

KINDS = ("vectors", "pictures", "vectors with continuous actions", "pictures without actions")


def recording(kind):
    """A square that is pushed about, as its place or as a picture of it."""
    rng = np.random.default_rng(0)
    moves = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
    taken = rng.integers(4, size=(12, 10))
    places = np.empty((12, 11, 2), int)
    places[:, 0] = rng.integers(2, 13, (12, 2))
    for step in range(10):
        places[:, step + 1] = np.clip(places[:, step] + moves[taken[:, step]], 1, 14)
    places = places.reshape(-1, 2)
    lengths = np.full(12, 10)
    if kind.startswith("vectors"):
        if kind == "vectors":
            return Dataset(places.astype(np.float32), taken.ravel(), lengths, num_actions=4)
        return Dataset(places.astype(np.float32), moves[taken].reshape(-1, 2).astype(np.float32), lengths)
    pictures = np.zeros((len(places), 1, 16, 16), np.uint8)
    for picture, (row, column) in zip(pictures, places, strict=True):
        picture[0, row - 1 : row + 2, column - 1 : column + 2] = 255
    if kind == "pictures":
        return Dataset(pictures, taken.ravel(), lengths, num_actions=4)
    return Dataset(pictures, None, lengths)


def few_steps(config, path="--config"):
    """Options that let every stage of a configuration take two gradient steps."""
    found = []
    for entry in fields(config):
        value, name = getattr(config, entry.name), f"{path}.{entry.name.replace('_', '-')}"
        if is_dataclass(value):
            found += few_steps(value, name)
        elif entry.name == "steps":
            found.append(f"{name}=2")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(AGENTS))
def test_an_agent_that_is_asked_for_is_trained_or_refused_by_name(name, kind, tmp_path, capsys):
    save_dataset(recording(kind), tmp_path / "data.npz")
    out = tmp_path / "out"
    options = few_steps(get_agent(name)().config)
    done = main(["fit", str(tmp_path / "data.npz"), "--agent", name, "--out", str(out), *options])
    if name == "dqn" and kind not in ("vectors", "pictures"):
        assert done == 2
        assert "a finite number of actions" in capsys.readouterr().err
        assert not (out / "agent").exists()
    else:
        assert done == 0, capsys.readouterr().err
        assert load_agent(out).name == name
