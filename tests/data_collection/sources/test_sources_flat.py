"""Flat arrays as of OGBench and D4RL, in .npz and in HDF5: where trajectories end, and what does not fit."""

from __future__ import annotations

import contextlib

import h5py
import numpy as np
import pytest

from data_collection import Dataset, load_dataset, save_dataset
from data_collection.sources import read_recording, recognise
from data_collection.sources.formats.flat_hdf5 import read_flat_hdf5
from data_collection.sources.formats.flat_npz import read_flat_npz
from plan2vec_envs.errors import (
    CorruptFileError,
    FileTooLargeError,
    InvalidOptionError,
    MissingExtraError,
    MissingFileError,
    Plan2vecError,
    SourceError,
    UnsafeFileError,
)

KINDS = ("npz", "hdf5")


def write_npz(path, arrays):
    np.savez(path, **arrays)


def write_hdf5(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


@pytest.fixture(params=KINDS)
def read(request, tmp_path):
    """Writes arrays into a file of either kind and reads them back as a dataset."""

    def read(arrays, **options):
        path = tmp_path / f"flat.{request.param}"
        {"npz": write_npz, "hdf5": write_hdf5}[request.param](path, arrays)
        return {"npz": read_flat_npz, "hdf5": read_flat_hdf5}[request.param](path, **options)

    return read


def ogbench(lengths=(4, 3)):
    """States 10 k + t of trajectory k, actions that say whence they lead, terminals in last rows."""
    states = np.concatenate([10.0 * k + np.arange(n) for k, n in enumerate(lengths)])
    terminals = np.concatenate([np.arange(n) == n - 1 for n in lengths])
    return {
        "observations": np.stack([states, -states], 1).astype(np.float32),
        "actions": states[:, None].astype(np.float32),
        "terminals": terminals.astype(np.float32),
    }


def d4rl(lengths=(3, 2)):
    """The same with what came next: trajectory k visits one state more than it has rows."""
    arrays = ogbench(lengths)
    arrays["next_observations"] = arrays["observations"] + np.float32([1, -1])
    return arrays


def stories(dataset):
    """(states, actions) of every episode, in whole numbers."""
    return [
        (episode.observations[:, 0].astype(int).tolist(), episode.actions[:, 0].astype(int).tolist())
        for episode in dataset.episodes()
    ]


def test_without_next_observations_a_terminal_is_a_last_row_and_its_action_leads_nowhere(read):
    dataset, repairs = read(ogbench())
    assert stories(dataset) == [([0, 1, 2, 3], [0, 1, 2]), ([10, 11, 12], [10, 11])]
    assert str(repairs) == "dropped 2 last actions that lead nowhere"


def test_with_next_observations_the_last_of_them_is_kept(read):
    dataset, repairs = read(d4rl())
    assert stories(dataset) == [([0, 1, 2, 3], [0, 1, 2]), ([10, 11, 12], [10, 11])]
    assert str(repairs) == "nothing to repair"


def test_both_ways_of_writing_a_dataset_down_are_read_as_the_same(read):
    assert read(ogbench((4, 3)))[0].fingerprint == read(d4rl((3, 2)))[0].fingerprint


def test_a_reset_that_nothing_marks_breaks_a_trajectory(read):
    arrays = d4rl((3, 2))
    arrays["terminals"][:] = 0
    dataset, repairs = read(arrays)
    assert stories(dataset) == [([0, 1, 2, 3], [0, 1, 2]), ([10, 11, 12], [10, 11])]
    assert str(repairs) == "cut at 1 jump"


@pytest.mark.parametrize("make", [ogbench, d4rl])
def test_a_timeout_breaks_a_trajectory_and_is_counted(read, make):
    arrays = make((3, 2))
    arrays["timeouts"] = arrays["terminals"] * [1, 1, 1, 0, 0]
    arrays["terminals"][2] = 0
    dataset, repairs = read(arrays)
    assert dataset.num_episodes == 2
    assert "cut at 1 time-out" in str(repairs)


def test_no_transition_links_two_trajectories_whatever_the_marks(read, rng):
    """Law: every transition read is a pair of rows of the file, the second what the first led to."""
    states = rng.permutation(200).reshape(-1, 1).astype(np.float32)
    following = np.concatenate([states[1:], [[999]]]).astype(np.float32)
    resets = rng.random(200) < 0.2
    following[resets] += 1000
    arrays = {
        "observations": states,
        "next_observations": following,
        "actions": states,
        "terminals": rng.random(200) < 0.1,
        "timeouts": rng.random(200) < 0.1,
    }
    dataset, _ = read(arrays)
    rows = dataset.observations[dataset.transitions][..., 0]
    assert sorted(rows.tolist()) == sorted(np.concatenate([states, following], 1).tolist())
    assert np.array_equal(dataset.actions[:, 0], rows[:, 0])


def test_shuffled_rows_are_suspected(read, rng):
    arrays = d4rl((30,))
    order = rng.permutation(30)
    assert "are they shuffled?" in str(read({name: array[order] for name, array in arrays.items()})[1])


def test_actions_without_those_of_last_rows_are_read_too(read):
    arrays = ogbench()
    arrays["actions"] = arrays["actions"][arrays["terminals"] == 0]
    dataset, repairs = read(arrays)
    assert dataset.fingerprint == read(ogbench())[0].fingerprint
    assert str(repairs) == "nothing to repair"


def test_a_last_trajectory_without_an_end_mark_is_kept_and_said(read):
    arrays = ogbench()
    arrays["terminals"][-1] = 0
    dataset, repairs = read(arrays)
    assert dataset.num_episodes == 2
    assert str(repairs) == "dropped 2 last actions that lead nowhere; the last trajectory has no end mark"


def test_a_single_episode_and_rows_alone_are_what_they_are(read):
    assert read(ogbench((5,)))[0].episode_lengths.tolist() == [4]
    dataset, repairs = read(ogbench((1, 3, 1)))
    assert dataset.episode_lengths.tolist() == [2]
    assert str(repairs).startswith("dropped 2 trajectories of one frame, 1 last action")
    with pytest.raises(SourceError, match="no trajectory of two observations or more, of 2: dropped 2 trajectories"):
        read(ogbench((1, 1)))
    with pytest.raises(SourceError, match="no trajectory of two observations or more, of 0"):
        read({name: array[:0] for name, array in ogbench().items()})


def test_ground_truth_is_left_out_and_read_only_when_asked_for(read):
    arrays = ogbench() | {"rewards": np.zeros(7), "qpos": np.arange(28.0).reshape(7, 4), "infos/goal": np.zeros((7, 2))}
    dataset, repairs = read(arrays)
    assert dataset.oracle_position is None
    assert "left out 3 arrays: infos/goal, qpos, rewards" in str(repairs)
    dataset, repairs = read(arrays, oracle="qpos")
    np.testing.assert_array_equal(dataset.oracle_position, arrays["qpos"][:, :2])
    assert "the first two of 4 numbers of qpos as oracle_position" in str(repairs)
    with pytest.raises(SourceError, match=r"no array 'pos' of true positions\. Did you mean 'qpos'"):
        read(arrays, oracle="pos")


def test_positions_are_not_invented_for_what_came_after_the_last_row(read):
    arrays = d4rl() | {"qpos": np.arange(10.0).reshape(5, 2)}
    dataset, repairs = read(arrays, oracle="qpos")
    assert stories(dataset) == [([0, 1, 2], [0, 1]), ([10, 11], [10])]
    assert dataset.oracle_position.tolist() == arrays["qpos"].tolist()
    assert "observations after last rows left out" in str(repairs)


def test_entries_of_dict_observations_are_laid_side_by_side_or_asked_for(read):
    arrays = ogbench()
    both = arrays.pop("observations")
    arrays |= {"observations/place": both[:, :1], "observations/speed": both[:, 1:]}
    with pytest.raises(SourceError, match=r"dict of place \(1,\), speed \(1,\); say which.*--keys"):
        read(arrays)
    assert read(arrays, keys=("place", "speed"))[0].fingerprint == read(ogbench())[0].fingerprint
    assert read(arrays, keys=("place",))[0].observation_shape == (1,)
    with pytest.raises(SourceError, match=r"no array 'observations/plc' and no 'plc'\. Did you mean 'place'"):
        read(arrays, keys=("plc",))


def test_another_array_can_be_observed_by_its_key(read):
    arrays = ogbench() | {"pixels": np.zeros((7, 8, 8, 3), np.uint8)}
    assert read(arrays, keys="pixels")[0].observation_shape == (3, 8, 8)


def test_steps_in_which_nothing_changed_stay_unless_asked_otherwise(read):
    arrays = ogbench((4,))
    arrays["observations"][2] = arrays["observations"][1]  # 0 1 1 3
    dataset, repairs = read(arrays)
    assert dataset.num_transitions == 3
    assert "kept 1 step in which nothing changed (drop_pauses leaves them out)" in str(repairs)
    dataset, repairs = read(arrays, drop_pauses=True)
    assert stories(dataset) == [([0, 1, 3], [0, 2])]  # what led from 1 to 3 was done at the second 1
    assert "1 step in which nothing changed" in str(repairs)


def test_a_step_that_is_too_long_is_cut_when_a_longest_one_is_said(read):
    arrays = ogbench((6,))
    arrays["observations"][3:] += 50
    assert read(arrays)[0].num_episodes == 1
    dataset, repairs = read(arrays, max_jump=2.0)
    assert [states for states, _ in stories(dataset)] == [[0, 1, 2], [53, 54, 55]]
    assert "cut at 1 jump" in str(repairs)
    with pytest.raises(InvalidOptionError, match="max_jump=0 was asked for"):
        read(arrays, max_jump=0)


def test_conversions_are_said(read):
    arrays = ogbench() | {"observations": np.arange(14.0).reshape(7, 2), "actions": np.arange(7)}
    dataset, repairs = read(arrays)
    assert "observations float64 to float32" in str(repairs)
    assert (dataset.num_actions, dataset.actions.dtype) == (6, np.int64)
    pixels = np.arange(7 * 5 * 6 * 3, dtype=np.uint8).reshape(7, 5, 6, 3)
    dataset, repairs = read(ogbench() | {"observations": pixels})
    assert "pictures (H, W, C) to (C, H, W)" in str(repairs)
    np.testing.assert_array_equal(dataset.observations, np.moveaxis(pixels, 3, 1))


def test_a_layout_that_a_shape_does_not_tell_is_asked_for_by_name(read):
    arrays = ogbench() | {"observations": np.zeros((7, 9, 8, 8), np.uint8)}
    with pytest.raises(SourceError, match=r"\(9, 8, 8\) may be .* say which with layout='hwc' .*--layout"):
        read(arrays)
    assert read(arrays, layout="chw")[0].observation_shape == (9, 8, 8)
    assert read(arrays, layout="hwc")[0].observation_shape == (8, 9, 8)


def edited(name, row, value):
    def edit(arrays):
        arrays[name][row] = value
        return arrays

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (edited("observations", (5, 1), np.nan), r"observations, row 5: \[11\.0, nan\]; need finite"),
        (edited("actions", (1, 0), np.inf), r"rows 0 to 3, row 1: \[inf\]; need finite"),
        (lambda a: a | {"actions": np.arange(7) - 3}, r"rows 0 to 3: discrete actions as low as -3; need 0"),
        (edited("terminals", 2, 0.5), r"terminals, row 2: 0\.5; need 1 in a last row"),
        (lambda a: a | {"actions": a["actions"][:4]}, r"7 rows and actions 4; need as many, or 5 without"),
        (lambda a: a | {"terminals": a["terminals"][:6]}, r"terminals has shape \(6,\) .* need \(7,\)"),
        (lambda a: a | {"next_observations": a["observations"][1:]}, r"7 rows and next_observations 6"),
        (lambda a: a | {"next_observations": a["observations"][:, :1]}, r"need one shape"),
        (lambda a: a | {"observations": a["observations"].astype("S4")}, r"dtype \|S4"),
        (lambda a: a | {"observations": np.zeros((7, 4, 4, 3))}, r"dtype float64 with values from 0 to 0; need whole"),
        (lambda a: a | {"observations": np.full((7, 2), 2**40)}, r"whole numbers beyond 16,777,216"),
        (lambda a: a | {"observations": np.zeros((7, 0))}, r"shape \(7, 0\)"),
        (lambda a: a | {"actions": np.full((7, 2, 2), 1.0)}, r"shape \(3, 2, 2\); need actions"),
        (lambda a: {"observations": a["observations"], "actions": a["actions"]}, r"to know where trajectories end"),
        (lambda a: {"states": a["observations"], "terminals": a["terminals"]}, r"need observations, or their names"),
    ],
)
def test_what_does_not_fit_is_named(read, edit, message):
    with pytest.raises(SourceError, match=message):
        read(edit(ogbench()))


def test_a_last_action_may_be_anything_for_it_is_not_read(read):
    arrays = ogbench()
    arrays["actions"][[3, 6]] = np.nan
    assert read(arrays)[0].fingerprint == read(ogbench())[0].fingerprint


def test_what_is_read_survives_the_way_to_its_own_file(read, tmp_path):
    dataset, _ = read(d4rl())
    assert load_dataset(save_dataset(dataset, tmp_path / "own.npz")).fingerprint == dataset.fingerprint


def _npz(folder, **arrays):
    np.savez(folder / "flat.npz", **arrays)
    return folder / "flat.npz"


def _own(folder):
    return save_dataset(Dataset(np.zeros((3, 2), np.float32), None, np.array([2])), folder / "own.npz")


def _hdf5(folder, *names):
    write_hdf5(folder / "flat.hdf5", {name: np.zeros(3) for name in names})
    return folder / "flat.hdf5"


NEAR_MISSES = {
    "no mark of an end": lambda folder: _npz(folder, observations=np.zeros(3), actions=np.zeros(3)),
    "no observations": lambda folder: _npz(folder, actions=np.zeros(3), terminals=np.zeros(3)),
    "names that only begin alike": lambda folder: _npz(folder, observations_mean=np.zeros(3), terminals=np.zeros(3)),
    "a dataset of ours": _own,
    "HDF5 without a mark": lambda folder: _hdf5(folder, "observations", "actions"),
    "HDF5 of Minari": lambda folder: _hdf5(folder, "episode_0/observations", "episode_0/terminations"),
    "HDF5 of demonstrations": lambda folder: _hdf5(folder, "data/demo_0/obs/eef", "data/demo_0/dones"),
}


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_what_only_resembles_flat_arrays_is_not_taken_for_them(tmp_path, case):
    with pytest.raises(SourceError, match="looks like no known format"):
        recognise(NEAR_MISSES[case](tmp_path))


@pytest.mark.parametrize(("kind", "write"), [("npz", write_npz), ("hdf5", write_hdf5)])
def test_bytes_that_changed_raise_nothing_but_errors_of_ours(tmp_path, rng, kind, write):
    path = tmp_path / f"flat.{kind}"
    write(path, ogbench())
    whole = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(Plan2vecError):
            recognise(path)
        with contextlib.suppress(Plan2vecError):
            read_recording(path, f"flat-{kind}")


@pytest.mark.parametrize("cut", [4, 200, -40])
@pytest.mark.parametrize(("kind", "write"), [("npz", write_npz), ("hdf5", write_hdf5)])
def test_a_damaged_file_is_named_and_taken_for_nothing(tmp_path, kind, write, cut):
    path = tmp_path / f"flat.{kind}"
    write(path, ogbench())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CorruptFileError, match=rf"flat\.{kind} is truncated or damaged"):
        read_recording(path, f"flat-{kind}")
    with pytest.raises(SourceError, match="looks like no known format"):
        recognise(path)


def test_a_file_of_ours_says_how_it_is_opened(tmp_path):
    with pytest.raises(SourceError, match="a file of plan2vec already; open it with load_dataset"):
        read_flat_npz(_own(tmp_path))


def test_objects_in_a_npz_are_not_read_unless_they_are_left_out(tmp_path):
    objects = np.array([{"a": 1}] * 7)
    dataset, _ = read_flat_npz(_npz(tmp_path, **ogbench(), infos=objects))
    assert dataset.num_episodes == 2
    with pytest.raises(UnsafeFileError, match="actions holds Python objects"):
        read_flat_npz(_npz(tmp_path, **(ogbench() | {"actions": objects})))


def test_arrays_in_fortran_order_are_read_as_any_other(tmp_path):
    arrays = ogbench()
    turned = arrays | {"observations": np.asfortranarray(arrays["observations"])}
    assert (
        read_flat_npz(_npz(tmp_path, **turned))[0].fingerprint == read_flat_npz(_npz(tmp_path, **arrays))[0].fingerprint
    )


def test_too_large_a_file_is_refused_before_it_is_read(read):
    with pytest.raises(FileTooLargeError, match="nothing was decoded"):
        read(ogbench(), max_bytes=50)


def _link(file):
    file["terminals"] = h5py.ExternalLink("other.hdf5", "/terminals")


def _virtual(file):
    layout = h5py.VirtualLayout((7,), np.float32)
    layout[:] = h5py.VirtualSource("other.hdf5", "terminals", (7,))
    file.create_virtual_dataset("terminals", layout)


def _outside(file):
    file.create_dataset("terminals", (7,), np.float32, external=[("other.hdf5", 0, 28)])


@pytest.mark.parametrize("lead", [_link, _virtual, _outside])
def test_hdf5_that_leads_to_other_files_is_refused(tmp_path, monkeypatch, lead):
    monkeypatch.chdir(tmp_path)
    write_hdf5(tmp_path / "other.hdf5", ogbench())
    path = tmp_path / "flat.hdf5"
    with h5py.File(path, "w") as file:
        file["observations"] = ogbench()["observations"]
        lead(file)
    with pytest.raises(SourceError, match=r"terminals lies in another file"):
        read_flat_hdf5(path)


def test_hdf5_with_a_group_within_itself_does_not_hang(tmp_path):
    write_hdf5(tmp_path / "flat.hdf5", ogbench())
    with h5py.File(tmp_path / "flat.hdf5", "a") as file:
        file["loop"] = file["/"]
    with pytest.raises(SourceError, match="groups within groups"):
        read_flat_hdf5(tmp_path / "flat.hdf5")


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    path = _hdf5(tmp_path, "observations", "terminals")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    assert recognise(path) == "flat-hdf5"
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[data\]'"):
        Dataset.from_hdf5(path)


def test_a_missing_file_is_said(tmp_path):
    for name in ("flat-npz", "flat-hdf5"):
        with pytest.raises(MissingFileError, match="there is no file"):
            read_recording(tmp_path / "nowhere", name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_is_made_in_a_line_and_says_what_was_mended(tmp_path, kind, capsys):
    path = tmp_path / f"flat.{kind}"
    {"npz": write_npz, "hdf5": write_hdf5}[kind](path, ogbench() | {"actions": np.arange(7)})
    make = {"npz": Dataset.from_npz, "hdf5": Dataset.from_hdf5}[kind]
    dataset = make(path, num_actions=9, env_id="Maze-v0")
    assert capsys.readouterr().out == f"{path}: dropped 2 last actions that lead nowhere\n"
    assert (dataset.num_actions, dataset.env_id) == (9, "Maze-v0")
    make(path, report=None)
    assert capsys.readouterr().out == ""
    assert recognise(path) == f"flat-{kind}"
