"""The paper's rope file, written here as numpy writes it."""

from __future__ import annotations

import contextlib
import os
import pickle

import numpy as np
import pytest

from data_collection import load_dataset, save_dataset
from data_collection.sources import read_recording
from data_collection.sources.files.object_arrays import read_array
from data_collection.sources.formats import rope_arrays
from data_collection.sources.formats.rope_arrays import read_rope_arrays
from plan2vec_envs.errors import CorruptFileError, FileTooLargeError, MissingFileError, SourceError, UnsafeFileError

LENGTHS = (4, 2, 7)


def trajectories(lengths=LENGTHS, dtype=np.uint8):
    """Pictures whose first pixel is the number of the trajectory, and the second that of the frame."""
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 256, (length, 64, 64, 1)).astype(dtype) for length in lengths]
    for number, frames in enumerate(made):
        frames[:, 0, 0, 0] = number
        frames[:, 0, 1, 0] = np.arange(len(frames))
    return made


def objects(entries):
    array = np.empty(len(entries), object)
    for i, entry in enumerate(entries):  # numpy would make one array of trajectories of one length
        array[i] = entry
    return array


@pytest.fixture
def write(tmp_path):
    def write(entries, name="new_rope.npy"):
        np.save(tmp_path / name, objects(entries), allow_pickle=True)
        return tmp_path / name

    return write


def read(path):
    return read_rope_arrays(path, allow_objects=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, ">f4"])
def test_every_array_becomes_an_episode_of_grey_pictures(write, dtype):
    dataset, repairs = read(write(trajectories(dtype=dtype)))
    assert str(repairs) == "nothing to repair"
    assert dataset.episode_lengths.tolist() == [3, 1, 6]
    assert (dataset.actions, dataset.env_id, dataset.oracle_position) == (None, None, None)
    expected = np.concatenate([frames.transpose(0, 3, 1, 2) for frames in trajectories()])
    assert dataset.observations.dtype == np.uint8
    np.testing.assert_array_equal(dataset.observations, expected)


def test_no_transition_leads_from_one_trajectory_to_the_next(write):
    dataset, _ = read(write(trajectories()))
    number, frame = dataset.observations[:, 0, 0, 0], dataset.observations[:, 0, 0, 1]
    before, after = dataset.transitions.T
    assert len(before) == sum(length - 1 for length in LENGTHS)
    np.testing.assert_array_equal(number[before], number[after])
    np.testing.assert_array_equal(frame[before] + 1, frame[after])


def test_fractions_are_rounded(write):
    frames = np.full((2, 64, 64, 1), 254.6, np.float32)
    assert (read(write([frames]))[0].observations == 255).all()


def test_trajectories_of_no_and_of_one_frame_are_dropped_and_counted(write):
    dataset, repairs = read(write(trajectories((3, 0, 1, 1, 2))))
    assert dataset.episode_lengths.tolist() == [2, 1]
    assert str(repairs) == "dropped 1 empty trajectory, 2 trajectories of one frame"


def test_trajectories_of_one_length_may_be_a_plain_array(tmp_path):
    path = tmp_path / "rope.npy"
    np.save(path, np.stack(trajectories((3, 3))))
    dataset, _ = read_recording(path)  # nothing to allow
    assert dataset.episode_lengths.tolist() == [2, 2]
    np.testing.assert_array_equal(dataset.observations[3:, 0], trajectories((3, 3))[1][..., 0])


def test_a_dataset_survives_the_way_to_its_own_file(write, tmp_path):
    dataset, _ = read(write(trajectories()))
    assert load_dataset(save_dataset(dataset, tmp_path / "rope.npz")).fingerprint == dataset.fingerprint


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_files_of_old_numpy_are_read_too(write, protocol):
    """Up to 1.16 it wrote protocol 2, in which bytes are text and a call; no bytes are another call."""
    entries = trajectories((2, 0, 3))
    path = write(entries)
    whole = path.read_bytes()
    header = whole[: whole.index(b"\n") + 1]
    path.write_bytes(header + pickle.dumps(objects(entries), protocol=protocol))
    dataset, repairs = read(path)
    assert repairs.empty_trajectories == 1
    np.testing.assert_array_equal(dataset.observations[:2, 0], entries[0][..., 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R", "bytes in 'zlib' are not used here"),
        ("c__builtin__\nbytes\nK\x09\x85R", "takes 0 positional arguments"),
    ],
)
def test_the_calls_of_old_numpy_do_nothing_else(write, call, message):
    path = write([1])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n") + 1] + pickle.PROTO + b"\x02" + call.encode("latin1") + pickle.STOP)
    with pytest.raises(CorruptFileError, match=f"truncated or damaged.*{message}"):
        read_array(path, allow_objects=True)


def test_objects_are_read_on_request_only(write):
    with pytest.raises(UnsafeFileError, match=r"new_rope\.npy holds Python objects.*--allow-objects"):
        read_recording(write(trajectories()))


def test_a_file_that_asks_for_a_function_runs_nothing(write, tmp_path, monkeypatch):
    class Trap:
        def __reduce__(self):
            return os.mkdir, ("owned",)

    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafeFileError, match=r"asks for \w+\.mkdir; .*Nothing was run"):
        read(write([*trajectories(), Trap()]))
    assert os.listdir() == ["new_rope.npy"]


def spoiled(value, dtype=np.float64):
    made = trajectories(dtype=dtype)
    made[2][5, 3, 4, 0] = value
    return made


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([*trajectories(), [1, 2]], r"new_rope\.npy, trajectory 3: \[1, 2\]; need an array"),
        (
            [*trajectories(), np.zeros((3, 64, 64))],
            r"trajectory 3 has shape \(3, 64, 64\) and dtype float64; need numbers",
        ),
        ([*trajectories(), np.zeros((3, 64, 32, 1), np.uint8)], r"trajectory 3 has shape \(3, 64, 32, 1\)"),
        ([*trajectories(), np.zeros((3, 64, 64, 3), np.uint8)], r"trajectory 3 has shape \(3, 64, 64, 3\)"),
        ([*trajectories(), np.zeros((3, 64, 64, 1), bool)], r"trajectory 3 has .* dtype bool"),
        (spoiled(np.nan), r"trajectory 2, frame 5: pixel \(3, 4\) is nan; need numbers 0 to 255"),
        (spoiled(np.inf), r"trajectory 2, frame 5: pixel \(3, 4\) is inf"),
        (spoiled(-1), r"trajectory 2, frame 5: pixel \(3, 4\) is -1"),
        (spoiled(256, np.int32), r"trajectory 2, frame 5: pixel \(3, 4\) is 256"),
        ([], r"holds no trajectory of two observations or more, of 0"),
        (trajectories((1, 0, 1)), r"holds no trajectory of two observations or more, of 3"),
        ([np.full((2, 64, 64, 1), 0.7)], r"no value is larger than 0\.7; need 0 to 255\. Were the pictures scaled"),
    ],
)
def test_what_is_no_picture_is_named_with_trajectory_and_frame(write, entries, message):
    with pytest.raises(SourceError, match=message):
        read(write(entries))


@pytest.mark.parametrize("shape", [(5, 64, 64, 1), (2, 5, 64, 64, 3), (3, 4)])
def test_a_plain_array_of_another_shape_is_refused(tmp_path, shape):
    np.save(tmp_path / "rope.npy", np.zeros(shape, np.uint8))
    with pytest.raises(SourceError, match=rf"one array, has shape \({shape[0]}, .*need an object array"):
        read(tmp_path / "rope.npy")


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "pointer", "no array", "folder"])
def test_a_damaged_file_is_named(write, damage):
    path = write(trajectories())
    error, message = CorruptFileError, r"new_rope\.npy is truncated or damaged"
    match damage:
        case "missing":
            path.unlink()
            error, message = MissingFileError, r"no file .*new_rope\.npy"
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[:-40])
        case "pointer":
            path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
            error, message = SourceError, "Git LFS pointer.*git lfs pull"
        case "no array":
            path.write_bytes(pickle.dumps([1, 2, 3]))
        case "folder":
            path.unlink()
            path.mkdir()
    with pytest.raises(error, match=message):
        read(path)


def test_no_flipped_byte_gets_past_the_reader(write, rng):
    path = write(trajectories((2, 2)))
    whole = path.read_bytes()
    for i in rng.integers(0, 600, 150):  # the header, and the opcodes before the first pixels
        damaged = bytearray(whole)
        damaged[i] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with contextlib.suppress(CorruptFileError, SourceError):
            assert read(path)[0].observation_shape == (1, 64, 64)


def test_a_file_that_is_too_large_is_not_unpickled(write, monkeypatch):
    monkeypatch.setattr(rope_arrays, "MAX_BYTES", 1000)
    with pytest.raises(FileTooLargeError, match="the limit is 1"):
        read(write(trajectories()))
