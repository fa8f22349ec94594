"""The snippets of the documents, run as they stand but for the amount of learning."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import gymnasium as gym
import h5py
import numpy as np
import pytest
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage

from agents import Plan2VecConfig, Plan2VecWaypointsConfig
from agents.plan2vec.presets import ROPE
from agents.training.config_json import from_dict, with_option
from data_collection import Dataset, save_dataset
from evaluation.paper.lab import get_experiment
from evaluation.paper.lab.publish import tables_of
from plan2vec_envs.image_graph import make_drawn_rope

from .agents.base.fake_hub import FakeHub

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "docs/rewards.md",
    "docs/streets.md",
    "docs/recordings.md",
    "docs/rope.md",
    "docs/interoperability.md",
    "docs/training.md",
    "docs/clusters.md",
)
STEPS = {"steps": 30}
LITTLE = {"local_metric": STEPS, "global_metric": {"algorithm": STEPS}, "forward_model": STEPS}
SHORTER = {"1000x10": "40x10", "Plan2Vec()": "Plan2Vec(little)", "learn(20_000": "learn(1_000",
           "jobs=2": "jobs=1", "sequences=18, steps=780": "sequences=4, steps=30", "(ROPE)": "(little_rope)",
           "Plan2VecWaypoints()": "Plan2VecWaypoints(little_waypoints)",
           "recommend(dataset).new_agent()": "type(recommend(dataset).new_agent())(little)"}  # fmt: skip


LITTLE_WAYPOINTS = from_dict(
    Plan2VecWaypointsConfig,
    {name: LITTLE[name] for name in ("local_metric", "global_metric")} | {"control": {"inverse_model": STEPS}},
)
LITTLE_ROPE = replace(
    ROPE,
    local_metric=replace(ROPE.local_metric, members=2, steps=20),
    control=with_option(ROPE.control, "forward_model.steps", 10),
)


def snippets(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


def write_recordings(monkeypatch) -> None:
    """Other people's files, as docs/recordings.md calls them, in the current folder."""
    places = np.arange(12, dtype=np.float32).reshape(6, 2)
    ends = np.arange(6) % 3 == 2
    np.savez("maze-navigate-v0.npz", observations=places, actions=places, terminals=ends)
    with h5py.File("maze2d.hdf5", "w") as file:
        file.update({"observations": places, "actions": places, "terminals": np.zeros(6), "timeouts": ends})
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(Path.cwd()))
    buffer = EpisodeBuffer(
        observations={"observation": places, "desired_goal": places},
        actions=places[:5],
        rewards=np.zeros(5),
        terminations=np.zeros(5, bool),
        truncations=np.arange(5) == 4,
    )
    box = gym.spaces.Box(-np.inf, np.inf, (2,))
    Path("D4RL/pointmaze/umaze-v2").mkdir(parents=True)
    space = gym.spaces.Dict(observation=box, desired_goal=box)
    folder = Path("D4RL/pointmaze/umaze-v2/data").absolute()
    storage = MinariStorage.new(folder, observation_space=space, action_space=box, jpeg_encoding=False)
    storage.update_episodes([buffer])
    Path("pictures/run_00").mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(f"pictures/run_00/{number:03d}.png", np.full((30, 40, 3), 80 * number, np.uint8))


def test_there_are_snippets():
    assert [len(snippets(name)) for name in DOCUMENTS] == [1, 4, 1, 8, 2, 3, 1, 1]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_snippets_run_one_after_the_other(document, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {
        "little": from_dict(Plan2VecConfig, LITTLE),
        "little_rope": LITTLE_ROPE,
        "little_waypoints": LITTLE_WAYPOINTS,
    }
    hub = FakeHub(tmp_path / "hub")
    monkeypatch.setattr("agents.base.hub._new_api", lambda: hub)
    if document == "docs/recordings.md":
        save_dataset(Dataset(make_drawn_rope().views, None, np.full(6, 19)), "rope.npz")
        write_recordings(monkeypatch)
    for code in snippets(document):
        for words, fewer in SHORTER.items():
            code = code.replace(words, fewer)
        exec(compile(code, document, "exec"), names)
    if document == "README.md":
        assert "reached the goal" in capsys.readouterr().out
    if document == "docs/streets.md":
        assert "arrived: True" in capsys.readouterr().out
    if document == "docs/interoperability.md":
        assert names["costs"].shape == (2, 5)
        assert names["pulled"].dataset_fingerprint == names["agent"].dataset_fingerprint
    if document == "docs/clusters.md":
        np.testing.assert_array_equal(names["latents"], np.load("latents.npy"))
        assert names["distances"].shape == (100, names["agent"].graph.num_vertices)
    if document == "docs/recordings.md":
        assert names["env"].unwrapped.world.components().max() == 0


@pytest.mark.parametrize("file", sorted((ROOT / "docs/results").glob("*.json")), ids=lambda file: file.stem)
def test_every_recorded_summary_still_gives_its_tables(file):
    summary = json.loads(file.read_text(encoding="utf-8"))
    assert summary["comparable"]
    assert all(table.rows for table in tables_of(get_experiment(summary["experiment"]), summary))
