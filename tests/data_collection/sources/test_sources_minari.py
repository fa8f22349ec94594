"""Datasets of Minari: written by Minari itself and by us, read by us and by Minari itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import gymnasium as gym
import h5py
import minari
import numpy as np
import pytest
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage

from data_collection import Dataset, Episode
from data_collection.sources import minari_writing, read_recording, recognise, write_minari
from data_collection.sources.formats.minari import read_minari
from plan2vec_envs.errors import (
    CorruptFileError,
    FileTooLargeError,
    InvalidOptionError,
    MissingExtraError,
    MissingFileError,
    SourceError,
)

BOX = gym.spaces.Box(-np.inf, np.inf, (3,), np.float64)


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"


def write(folder, observations, actions, observation_space, action_space, jpeg=False, **infos):
    """A dataset as Minari writes it: observations (T + 1) and actions (T) of each episode."""
    folder.mkdir(parents=True)
    storage = MinariStorage.new(
        folder / "data", observation_space=observation_space, action_space=action_space, jpeg_encoding=jpeg
    )
    storage.update_metadata({"dataset_id": "test/other-v0", "minari_version": minari.__version__})
    lengths = [len(done) for done in actions]
    storage.update_episodes(
        EpisodeBuffer(
            id=k,
            observations=seen,
            actions=done,
            rewards=np.zeros(n),
            terminations=np.zeros(n, bool),
            truncations=np.arange(n) == n - 1,
            infos={name: values[k] for name, values in infos.items()},
        )
        for k, (seen, done, n) in enumerate(zip(observations, actions, lengths, strict=True))
    )
    return folder


@pytest.fixture
def vectors(tmp_path, rng):
    """Twelve episodes, so that the order of their names is not that of their numbers."""
    seen = [rng.normal(size=(n + 2, 3)) for n in range(12)]
    done = [rng.integers(2, 6, n + 1) for n in range(12)]
    goals = [rng.normal(size=(n + 2, 2)) for n in range(12)]
    return write(tmp_path / "other", seen, done, BOX, gym.spaces.Discrete(5, start=2), goal=goals), seen, done, goals


KINDS = [
    dict(image=image, actions=actions, oracle=oracle)
    for image in (True, False)
    for actions in ("discrete", "continuous", None)
    for oracle in (True, False)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
@pytest.mark.parametrize("as_id", [True, False], ids=["id", "folder"])
def test_what_we_write_opens_in_minari_and_comes_back_unchanged(make_episodes, same_data, tmp_path, kind, as_id):
    num_actions = 9 if kind["actions"] == "discrete" else None
    dataset = Dataset.from_episodes(make_episodes(**kind), env_id="Toy-v0", num_actions=num_actions)
    where = "plan2vec/toys/toy-v3" if as_id else tmp_path / "my toys"
    folder = write_minari(dataset, where, oracle=kind["oracle"])
    theirs = minari.load_dataset(where) if as_id else minari.MinariDataset(folder / "data")
    assert theirs.total_steps == dataset.num_transitions
    for ours, their in zip(dataset.episodes(), theirs.iterate_episodes(), strict=True):
        np.testing.assert_array_equal(their.observations, ours.observations)
        assert len(their.actions) == len(ours)
        assert theirs.spec.observation_space.contains(their.observations[0])
        assert their.truncations.tolist() == [False] * (len(ours) - 1) + [True]
    again, repairs = read_minari(where, oracle="infos/oracle_position" if kind["oracle"] else None)
    assert same_data(again, dataset)
    assert again.fingerprint == dataset.fingerprint
    assert str(repairs) == "nothing to repair"
    assert recognise(folder) == "minari"


def test_images_are_never_written_as_jpeg(tmp_path, rng):
    noise = rng.integers(0, 256, (3, 3, 64, 64), np.uint8)
    folder = write_minari(Dataset(noise, None, np.array([2])), tmp_path / "noise-v0")
    assert json.loads((folder / "data" / "metadata.json").read_text())["jpeg_encoding"] is False
    np.testing.assert_array_equal(minari.MinariDataset(folder / "data")[0].observations, noise)


def test_a_relative_folder_will_do(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_minari(dataset, "./toy") == tmp_path / "toy"
    assert read_minari("toy")[0].num_episodes == dataset.num_episodes


def test_step_lengths_come_back(tmp_path):
    episode = Episode(np.zeros((3, 2), np.float32), np.array([0, 1]), None, np.float32([0.5, 2]))
    folder = write_minari(Dataset.from_episodes([episode]), tmp_path / "odometry")
    assert read_minari(folder)[0].step_lengths.tolist() == [0.5, 2]


def test_ground_truth_is_written_only_when_asked_for(dataset, tmp_path):
    folder = write_minari(dataset, tmp_path / "toy")
    with h5py.File(folder / "data" / "main_data.hdf5") as file:
        assert "infos" not in file["episode_0"] or not list(file["episode_0/infos"])
    with pytest.raises(InvalidOptionError, match="has no true positions; leave it out"):
        write_minari(dataset.without_oracle(), tmp_path / "other", oracle=True)


def test_an_id_registers_its_namespace_and_is_listed(dataset):
    write_minari(dataset, "plan2vec/toys/toy-v0")
    write_minari(dataset, "plan2vec/toys/toy-v1")
    assert sorted(minari.list_local_datasets()) == ["plan2vec/toys/toy-v0", "plan2vec/toys/toy-v1"]
    assert set(minari.namespace.list_local_namespaces()) == {"plan2vec", "plan2vec/toys"}


def test_nothing_is_overwritten_and_nothing_half_written_stays(dataset, tmp_path, monkeypatch):
    folder = write_minari(dataset, tmp_path / "toy")
    with pytest.raises(InvalidOptionError, match=r"there is something at .*toy already"):
        write_minari(dataset, folder)

    def broken(dataset, oracle):
        yield from list(minari_writing_buffers(dataset, oracle))[:2]
        raise KeyboardInterrupt

    minari_writing_buffers = minari_writing._buffers
    monkeypatch.setattr(minari_writing, "_buffers", broken)
    with pytest.raises(KeyboardInterrupt):
        write_minari(dataset, tmp_path / "half")
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_a_foreign_dataset_is_read_in_the_order_of_its_numbers(vectors):
    folder, seen, done, _ = vectors
    dataset, repairs = read_minari(folder)
    np.testing.assert_array_equal(dataset.observations, np.concatenate(seen).astype(np.float32))
    np.testing.assert_array_equal(dataset.actions, np.concatenate(done) - 2)
    assert dataset.num_actions == 5
    assert dataset.env_id is None
    assert str(repairs) == (
        "observations float64 to float32; discrete actions counted from 0, not from 2; "
        "left out infos/goal, rewards, terminations, truncations"
    )
    assert recognise(folder) == "minari"
    assert recognise(folder / "data") == "minari"


@pytest.mark.parametrize(("start", "n", "message"), [(0, 3, "run from 2 to 5; need 0 to 2"), (4, 5, "-2; need 0")])
def test_actions_outside_of_their_space_are_named_with_the_folder(vectors, start, n, message):
    path = vectors[0] / "data" / "metadata.json"
    space = json.dumps({"type": "Discrete", "dtype": "int64", "start": start, "n": n})
    path.write_text(json.dumps(json.loads(path.read_text()) | {"action_space": space}))
    with pytest.raises(SourceError, match=rf"other.*{message}"):
        read_minari(vectors[0])


def test_ground_truth_is_read_by_its_name_only(vectors):
    folder, _, _, goals = vectors
    np.testing.assert_array_equal(
        read_minari(folder, oracle="infos/goal")[0].oracle_position, np.concatenate(goals).astype(np.float32)
    )
    with pytest.raises(SourceError, match="no array 'goal' of true positions"):
        read_minari(folder, oracle="goal")


def test_dict_observations_are_chosen_by_key(tmp_path, rng):
    seen = [{"observation": rng.normal(size=(4, 3)), "goal": {"near": rng.normal(size=(4, 2))}}]
    space = gym.spaces.Dict(
        observation=BOX, goal=gym.spaces.Dict(near=gym.spaces.Box(-np.inf, np.inf, (2,), np.float64))
    )
    folder = write(tmp_path / "dict", seen, [rng.normal(size=(3, 2))], space, gym.spaces.Box(-9, 9, (2,)))
    with pytest.raises(SourceError, match=r"dict of goal/near \(2,\), observation \(3,\); say which.*--keys"):
        read_minari(folder)
    dataset, repairs = read_minari(folder, keys=("observation", "goal/near"))
    expected = np.concatenate([seen[0]["observation"], seen[0]["goal"]["near"]], 1)
    np.testing.assert_array_equal(dataset.observations, expected.astype(np.float32))
    assert "observation + goal/near side by side" in str(repairs)
    assert "left out observations/goal/near" in str(read_minari(folder, keys=("observation",))[1])
    with pytest.raises(SourceError, match=r"no entry 'observations'\. Did you mean 'observation'"):
        read_minari(folder, keys=("observations",))


@pytest.mark.parametrize("shape", [(64, 64, 3), (64, 64)])
def test_pictures_that_minari_kept_as_jpeg_are_decoded_and_that_is_said(tmp_path, shape):
    frame = np.full(shape, 30, np.uint8)
    frame[:32] = 200
    if len(shape) == 3:
        frame[..., 0] = 90
    space = gym.spaces.Box(0, 255, shape, np.uint8)
    folder = write(tmp_path / "jpeg", [np.stack([frame] * 3)], [[0, 1]], space, gym.spaces.Discrete(2), jpeg=True)
    dataset, repairs = read_minari(folder)
    theirs = minari.MinariDataset(folder / "data")[0].observations  # another decoder: equal but for rounding
    expected = np.moveaxis(theirs, 3, 1) if len(shape) == 3 else theirs[:, None]
    np.testing.assert_allclose(dataset.observations.astype(int), expected, atol=2)
    assert "pictures were kept as JPEG" in str(repairs)


def test_actions_that_are_dicts_are_refused(tmp_path):
    space = gym.spaces.Dict(a=gym.spaces.Discrete(2))
    folder = write(tmp_path / "dict", [np.zeros((3, 3))], [np.zeros(2, int)], BOX, space)
    with h5py.File(folder / "data" / "main_data.hdf5", "a") as file:
        del file["episode_0/actions"]
        file["episode_0/actions/a"] = [0, 1]
    with pytest.raises(SourceError, match="episode_0 has actions/a; need one array of actions"):
        read_minari(folder)


def test_an_environment_that_a_dataset_names_is_not_made(vectors):
    folder = vectors[0]
    path = folder / "data" / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata["env_spec"] = '{"id": "Evil-v0", "entry_point": "this:that"}'
    del metadata["observation_space"], metadata["action_space"]
    path.write_text(json.dumps(metadata))
    assert read_minari(folder)[0].num_episodes == 12


def test_an_id_that_is_not_there_and_no_id_at_all_are_told_apart(root):
    with pytest.raises(MissingFileError, match=rf"no Minari dataset 'D4RL/maze-v2' in {root}; fetch it with `minari"):
        Dataset.from_minari("D4RL/maze-v2")
    with pytest.raises(MissingFileError, match="no folder maze, and it is no id of Minari"):
        Dataset.from_minari("maze")
    with pytest.raises(MissingFileError, match="it is no id"):
        read_minari("../../etc/maze-v0")
    assert not os.path.exists(root)


def test_damage_is_named(vectors):
    data = vectors[0] / "data"
    metadata = (data / "metadata.json").read_text()
    changed = json.loads(metadata)
    (data / "metadata.json").write_text(json.dumps(changed | {"total_episodes": 13}))
    with pytest.raises(CorruptFileError, match=r"holds 12 episodes, but metadata\.json says 13"):
        read_minari(data)
    (data / "metadata.json").write_text(json.dumps(changed | {"data_format": "arrow"}))
    with pytest.raises(SourceError, match="is kept as 'arrow'; need 'hdf5'"):
        read_minari(data)
    (data / "metadata.json").write_text(metadata[:50])
    with pytest.raises(CorruptFileError, match=r"metadata\.json is damaged"):
        read_minari(data)
    (data / "metadata.json").write_text(metadata)
    with pytest.raises(FileTooLargeError, match="nothing was"):
        read_minari(data, max_bytes=500)
    (data / "main_data.hdf5").write_bytes((data / "main_data.hdf5").read_bytes()[:300])
    with pytest.raises(CorruptFileError, match=r"main_data\.hdf5 is truncated or damaged"):
        read_minari(data)


@pytest.mark.parametrize("gone", ["metadata.json", "main_data.hdf5"])
def test_half_a_minari_folder_is_not_taken_for_one(vectors, gone):
    (vectors[0] / "data" / gone).unlink()
    with pytest.raises(SourceError, match="looks like no known format"):
        recognise(vectors[0])
    with pytest.raises((SourceError, MissingFileError), match=rf"{gone}"):
        read_recording(vectors[0], "minari")


def test_without_minari_the_extra_is_named(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "minari", None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[minari\]'"):
        write_minari(dataset, Path(tmp_path / "toy"))
    assert list(tmp_path.iterdir()) == []
