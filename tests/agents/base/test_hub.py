"""Agents on a model hub, without a network: what goes, what comes, and what does not."""

from __future__ import annotations

import inspect
import json
import sys

import numpy as np
import pytest

from agents import Plan2Vec, load_agent
from agents.base.hub import pull_agent, push_agent
from agents.errors import CheckpointError, ConfigError
from data_collection.errors import FileTooLargeError, MissingExtraError

from ..worlds import plane, quick_config
from .fake_hub import FakeHub

NAME = "someone/plane-metric"


@pytest.fixture(scope="module")
def agent():
    return Plan2Vec(quick_config(10)).fit(plane(), progress=False)


@pytest.fixture
def saved(agent, tmp_path):
    folder = tmp_path / "agent"
    agent.save(folder)
    return folder


@pytest.fixture
def hub(tmp_path):
    return FakeHub(tmp_path / "hub")


def test_a_pulled_agent_measures_alike(agent, saved, hub, tmp_path, rng):
    revision = push_agent(saved, NAME, api=hub)
    folder = pull_agent(NAME, revision, tmp_path / "new" / "pulled", api=hub)
    here, goal = rng.uniform(0, 5, (2, 9, 2)).astype(np.float32)
    np.testing.assert_array_equal(load_agent(folder).distance(here, goal), agent.distance(here, goal))


def test_the_agent_and_its_card_go_and_nothing_beside_them(saved, hub, tmp_path):
    for name in ("metric_report.md", "metric_report.json", "notes.txt", "train.pt", ".token"):
        (saved / name).write_text("{}")
    revision = push_agent(saved, NAME, api=hub)
    names = {"agent.json", "metric_report.json", "metric_report.md", "weights.safetensors"}
    assert {file.name for file in hub.folder(NAME, revision).iterdir()} == names
    assert {file.name for file in pull_agent(NAME, revision, tmp_path / "pulled", api=hub).iterdir()} == names


def test_the_agent_of_a_finished_run_goes_too(saved, hub, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    saved.rename(run / "agent")
    assert (hub.folder(NAME, push_agent(run, NAME, api=hub)) / "agent.json").is_file()


def test_a_new_repository_is_private_unless_asked(saved, hub):
    push_agent(saved, NAME, api=hub)
    push_agent(saved, "someone/shown", api=hub, private=False)
    assert hub.private == {NAME: True, "someone/shown": False}


def test_files_that_nobody_knows_stay_where_they_are(saved, hub, tmp_path):
    revision = push_agent(saved, NAME, api=hub)
    (hub.folder(NAME, revision) / "agent.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    folder = pull_agent(NAME, revision, tmp_path / "pulled", api=hub)
    assert sorted(hub.fetched) == ["agent.json", "weights.safetensors"]
    assert not (folder / "agent.pkl").exists()


def test_a_revision_that_moves_is_refused_with_where_it_is_now(saved, hub, tmp_path):
    revision = push_agent(saved, NAME, api=hub)
    with pytest.raises(ConfigError, match=f"'main', which moves.* It is at {revision} now"):
        pull_agent(NAME, "main", tmp_path / "pulled", api=hub)
    assert hub.fetched == []


@pytest.mark.parametrize(
    ("name", "size"), [("weights.safetensors", 3 * 2**30), ("agent.json", 2**21), ("agent.json", None)]
)
def test_files_that_say_they_are_too_large_are_not_fetched(saved, hub, tmp_path, name, size):
    revision = push_agent(saved, NAME, api=hub)
    hub.said[name] = size
    with pytest.raises(FileTooLargeError, match=f"{name} of {NAME} has {size} bytes"):
        pull_agent(NAME, revision, tmp_path / "pulled", api=hub)
    assert hub.fetched == []


def test_weights_may_be_as_large_as_the_caller_says(saved, hub, tmp_path):
    revision = push_agent(saved, NAME, api=hub)
    size = (saved / "weights.safetensors").stat().st_size
    with pytest.raises(FileTooLargeError, match=f"{size - 1} are allowed"):
        pull_agent(NAME, revision, tmp_path / "pulled", api=hub, max_bytes=size - 1)
    pull_agent(NAME, revision, tmp_path / "pulled", api=hub, max_bytes=size)


def test_files_of_another_size_than_they_said_are_refused(saved, hub, tmp_path):
    revision = push_agent(saved, NAME, api=hub)
    hub.said["weights.safetensors"] = 10
    with pytest.raises(CheckpointError, match="did not arrive as a file of 10 bytes"):
        pull_agent(NAME, revision, tmp_path / "pulled", api=hub)


def damage_weights(folder):
    file = folder / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def pickle_weights(folder):
    (folder / "weights.safetensors").write_bytes(b"\x80\x04K\x01.")
    record = json.loads((folder / "agent.json").read_text())
    del record["agent"]
    (folder / "agent.json").write_text(json.dumps(record))


@pytest.mark.parametrize(("damage", "message"), [(damage_weights, "checksum"), (pickle_weights, "not the record")])
def test_what_is_damaged_leaves_nothing_behind(saved, hub, tmp_path, damage, message):
    revision = push_agent(saved, NAME, api=hub)
    damage(hub.folder(NAME, revision))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CheckpointError, match=message):
        pull_agent(NAME, revision, tmp_path / "pulled", api=hub)
    assert sorted(tmp_path.iterdir()) == before


def test_a_repository_without_an_agent_is_named(saved, hub, tmp_path):
    revision = push_agent(saved, NAME, api=hub)
    (hub.folder(NAME, revision) / "agent.json").unlink()
    with pytest.raises(CheckpointError, match=f"{NAME} holds no saved agent: it lacks agent.json"):
        pull_agent(NAME, revision, tmp_path / "pulled", api=hub)


def test_a_damaged_agent_is_not_pushed(saved, hub):
    damage_weights(saved)
    with pytest.raises(CheckpointError, match="checksum"):
        push_agent(saved, NAME, api=hub)
    assert hub.private == {}


def test_a_folder_that_is_there_is_not_written_over(saved, hub):
    revision = push_agent(saved, NAME, api=hub)
    with pytest.raises(CheckpointError, match="is there already"):
        pull_agent(NAME, revision, saved, api=hub)


def test_without_the_package_the_extra_is_named(saved, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[hub\]'"):
        push_agent(saved, NAME)
    with pytest.raises(MissingExtraError, match="hub"):
        pull_agent(NAME, "0" * 40, tmp_path / "pulled")


@pytest.mark.parametrize("call", ["create_repo", "upload_folder", "model_info", "hf_hub_download"])
def test_the_package_takes_the_calls_that_the_folder_takes(call):
    real = pytest.importorskip("huggingface_hub", reason="needs the hub extra").HfApi
    names = [name for name in inspect.signature(getattr(FakeHub, call)).parameters if name != "self"]
    inspect.signature(getattr(real, call)).bind(None, **dict.fromkeys(names))
