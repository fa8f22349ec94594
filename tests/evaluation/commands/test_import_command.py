"""`plan2vec import`: what it prints and writes, and what it leaves alone when something is wrong."""

from __future__ import annotations

import cv2
import gymnasium as gym
import h5py
import numpy as np
import pytest

import plan2vec_envs
from data_collection import Dataset, load_dataset, read_manifest
from data_collection.sources import FORMATS, write_minari
from evaluation import cli
from plan2vec_envs.image_graph import load_world


@pytest.fixture
def rope(tmp_path):
    """Three trajectories, one of them of one frame."""
    entries = np.empty(3, object)
    for i, length in enumerate((4, 1, 3)):
        entries[i] = np.random.default_rng(i).integers(0, 256, (length, 64, 64, 1), np.uint8)
    np.save(tmp_path / "new_rope.npy", entries, allow_pickle=True)
    return tmp_path / "new_rope.npy"


@pytest.fixture
def runs(tmp_path):
    run = tmp_path / "rope_full" / "run_00"
    run.mkdir(parents=True)
    for t in range(4):
        (run / f"{t}.jpg").write_bytes(cv2.imencode(".jpg", np.full((80, 60, 3), 40 * t, np.uint8))[1].tobytes())
    np.save(run / "actions.npy", np.array([[0, 0, 0, 0, 1], [1, 1, 1, 1, 0], [2, 2, 2, 2, 1], [3, 3, 3, 3, 1]]))
    return run.parent


def test_a_file_is_recognised_read_counted_and_written(rope, tmp_path, capsys):
    out = tmp_path / "rope.npz"
    assert cli.main(["import", str(rope), "--out", str(out), "--allow-objects"]) == 0
    said = capsys.readouterr().out
    assert "as rope-arrays: a .npy file like new_rope.npy" in said
    assert "dropped 1 trajectory of one frame\n" in said
    assert "2 trajectories, 5 transitions, 7 observations of shape (1, 64, 64), no actions" in said
    dataset = load_dataset(out)
    assert dataset.episode_lengths.tolist() == [3, 2]
    assert f"fingerprint {dataset.fingerprint}" in said
    origin = read_manifest(out)["provenance"]
    assert origin == {"source": "rope-arrays", "file": "new_rope.npy", "repairs": "dropped 1 trajectory of one frame"}


def test_a_folder_becomes_a_world_to_hop_around_in(runs, tmp_path, capsys):
    out, world = tmp_path / "rope.npz", tmp_path / "my-rope.npz"
    assert cli.main(["import", str(runs), "--out", str(out), "--world", str(world)]) == 0
    said = capsys.readouterr().out
    assert "as rope-pictures" in said
    assert "2 trajectories, 2 transitions, 4 observations of shape (1, 64, 64), actions of 4 numbers" in said
    assert "world 'my-rope': 4 places, 4 links, 2 components" in said
    assert load_world(world).about["fingerprint"] == load_dataset(out).fingerprint
    env = gym.make(plan2vec_envs.ROPE_OFFLINE_ID, world=str(world))
    observation, _ = env.reset(seed=0)
    assert any(np.array_equal(observation["observation"], frame) for frame in load_dataset(out).observations)


def _maze(path):
    states = np.arange(12, dtype=np.float32).reshape(6, 2)
    ends = np.array([0, 0, 1, 0, 0, 1])
    np.savez(path, observations=states, actions=states, terminals=ends, qpos=states, rewards=ends)


def _maze_npz(folder):
    _maze(folder / "maze.npz")
    return folder / "maze.npz"


def _maze_hdf5(folder):
    with np.load(_maze_npz(folder)) as arrays, h5py.File(folder / "maze.hdf5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return folder / "maze.hdf5"


def _maze_minari(folder):
    return write_minari(Dataset.from_npz(_maze_npz(folder), oracle="qpos", report=None), folder / "maze", oracle=True)


@pytest.mark.parametrize(
    ("name", "make", "oracle", "mended"),
    [
        ("flat-npz", _maze_npz, "qpos", "dropped 2 last actions that lead nowhere; left out 1 array: rewards"),
        ("flat-hdf5", _maze_hdf5, "qpos", "dropped 2 last actions that lead nowhere; left out 1 array: rewards"),
        ("minari", _maze_minari, "infos/oracle_position", "nothing to repair"),
    ],
)
def test_one_maze_in_each_format_becomes_one_dataset(tmp_path, name, make, oracle, mended, capsys):
    out = tmp_path / "out.npz"
    assert cli.main(["import", str(make(tmp_path)), "--out", str(out), "--oracle", oracle]) == 0
    said = capsys.readouterr().out
    assert f" as {name}: " in said
    assert f"{mended}\n" in said
    assert "2 trajectories, 4 transitions, 6 observations of shape (2,), actions of 2 numbers" in said
    assert read_manifest(out)["provenance"]["options"] == {"oracle": oracle}
    dataset = load_dataset(out)
    assert dataset.fingerprint == Dataset.from_npz(_maze_npz(tmp_path), report=None).fingerprint
    np.testing.assert_array_equal(dataset.oracle_position, dataset.observations)


def test_an_id_of_minari_is_read_where_minari_keeps_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    write_minari(Dataset.from_npz(_maze_npz(tmp_path), report=None), "test/maze-v0")
    assert cli.main(["import", "test/maze-v0", "--out", str(tmp_path / "out.npz")]) == 2
    assert "if it is the id of a Minari dataset, say --format minari" in capsys.readouterr().err
    args = ["import", "test/maze-v0", "--format", "minari", "--out", str(tmp_path / "out.npz")]
    assert cli.main(args) == 0
    assert load_dataset(tmp_path / "out.npz").num_transitions == 4


def test_options_of_pictures_and_of_keys_reach_their_formats(tmp_path, capsys):
    run = tmp_path / "pictures" / "run_00"
    run.mkdir(parents=True)
    for t, value in enumerate((10, 10, 200)):
        (run / f"{t}.png").write_bytes(cv2.imencode(".png", np.full((30, 20, 3), value, np.uint8))[1].tobytes())
    out = str(tmp_path / "out.npz")
    args = ["import", str(run.parent), "--out", out, "--grey", "--size", "8", "--drop-pauses"]
    assert cli.main(args) == 0
    assert "1 step in which nothing changed" in capsys.readouterr().out
    assert load_dataset(out).observations.shape == (2, 1, 8, 8)
    both = {"observations/a": np.ones((4, 2)), "observations/b": np.ones((4, 3)), "terminals": np.arange(4) == 3}
    np.savez(tmp_path / "dict.npz", **both)
    assert cli.main(["import", str(tmp_path / "dict.npz"), "--out", out]) == 2
    assert "say which entries to read with keys= (--keys)" in capsys.readouterr().err
    assert cli.main(["import", str(tmp_path / "dict.npz"), "--out", out, "--keys", "a", "b"]) == 0
    assert load_dataset(out).observation_shape == (5,)


def test_vectors_make_no_world_of_pictures_and_nothing_is_written(tmp_path, capsys):
    path, out = _maze_npz(tmp_path), tmp_path / "out.npz"
    assert cli.main(["import", str(path), "--out", str(out), "--world", str(tmp_path / "world.npz")]) == 2
    assert capsys.readouterr().err.startswith("plan2vec: ")
    assert [file.name for file in tmp_path.iterdir()] == ["maze.npz"]


def test_help_names_every_format(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["import", "--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in FORMATS)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere.npy"], "there is no file or folder nowhere.npy"),
        (["new_rope.npy"], "pass allow_objects=True (--allow-objects)"),
        (["rope_full", "--allow-objects"], "no option 'allow_objects'"),
        (["rope_full", "--format", "rope"], "unknown format 'rope'. Did you mean 'rope-arrays'?"),
        (["new_rope.npy", "--format", "rope-pictures"], "there is no folder new_rope.npy"),
        (["."], "looks like no known format"),
        (["new_rope.npy", "--allow-objects", "--config.x", "1"], "trains no agent"),
    ],
)
def test_errors_are_one_line_and_leave_no_file(rope, runs, tmp_path, monkeypatch, args, message, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["import", *args, "--out", "rope.npz", "--world", "world.npz"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("plan2vec: ")
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new_rope.npy", "rope_full"]


@pytest.mark.parametrize("files", [["--out", "new_rope.npy"], ["--out", "rope.npz", "--world", "./rope.npz"]])
def test_a_file_is_not_written_over_another_of_the_same_command(rope, tmp_path, monkeypatch, files, capsys):
    monkeypatch.chdir(tmp_path)
    before = rope.read_bytes()
    assert cli.main(["import", "new_rope.npy", "--allow-objects", *files]) == 2
    assert "are the same file" in capsys.readouterr().err
    assert rope.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["new_rope.npy"]


def test_a_damaged_source_leaves_the_old_file(runs, tmp_path, capsys):
    out = tmp_path / "rope.npz"
    assert cli.main(["import", str(runs), "--out", str(out)]) == 0
    before = out.read_bytes()
    picture = runs / "run_00" / "3.jpg"
    picture.write_bytes(picture.read_bytes()[:-20])
    assert cli.main(["import", str(runs), "--out", str(out)]) == 2
    assert "run_00/3.jpg: the picture is truncated or damaged" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rope.npz", "rope_full"]
