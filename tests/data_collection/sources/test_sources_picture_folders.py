"""Folders of image sequences: any size, grey or in colours, with or without actions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from data_collection import Dataset
from data_collection.sources import recognise
from data_collection.sources.formats.picture_folders import read_picture_folders
from plan2vec_envs.errors import CorruptFileError, InvalidOptionError, MissingFileError, SourceError


def write_run(root, run, frames, actions=None, suffix=".png"):
    """Pictures (T, H, W) grey or (T, H, W, 3), red first."""
    (root / run).mkdir(parents=True)
    for t, frame in enumerate(frames):
        bgr = frame if frame.ndim == 2 else frame[..., ::-1]
        (root / run / f"{t:03d}{suffix}").write_bytes(cv2.imencode(suffix, bgr)[1].tobytes())
    if actions is not None:
        np.save(root / run / "actions.npy", actions)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "pictures"


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (4, 10, 12, 3), np.uint8)


def test_png_in_colours_come_back_to_the_byte_red_first(root, colours):
    write_run(root, "run_00", colours)
    write_run(root, "run_01", colours[:2])
    dataset, repairs = read_picture_folders(root)
    np.testing.assert_array_equal(dataset.observations[:4], np.moveaxis(colours, 3, 1))
    assert dataset.episode_lengths.tolist() == [3, 1]
    assert dataset.actions is None
    assert str(repairs) == "pictures (H, W, C) to (C, H, W)"
    assert recognise(root) == "picture-folders"


def test_grey_pictures_have_one_channel(root, rng):
    frames = rng.integers(0, 256, (3, 10, 12), np.uint8)
    write_run(root, "run_00", frames)
    np.testing.assert_array_equal(read_picture_folders(root)[0].observations[:, 0], frames)


def test_colours_become_grey_and_any_size_a_square_when_asked(root, colours, rng):
    write_run(root, "run_00", colours)
    write_run(root, "run_01", rng.integers(0, 256, (2, 30, 20), np.uint8))
    with pytest.raises(SourceError, match=r"run_01: observations of shape \(1, 30, 20\).*run_00 has .*\(3, 10, 12\)"):
        read_picture_folders(root)
    dataset, _ = read_picture_folders(root, grey=True, size=16)
    assert dataset.observation_shape == (1, 16, 16)
    with pytest.raises(InvalidOptionError, match="size=0 was asked for; need at least 1"):
        read_picture_folders(root, size=0)


def test_pictures_of_two_kinds_in_a_run_are_named_with_what_to_do(root, colours):
    write_run(root, "run_00", [*colours, colours[0, :5, :, 0]])
    with pytest.raises(SourceError, match=r"004\.png is 12 x 5 pixels grey, 000\.png 12 x 10 .* in colours.*--size"):
        read_picture_folders(root)


@pytest.mark.parametrize("rows", [3, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_actions_between_pictures_or_one_a_picture(root, colours, rows, dtype):
    actions = np.arange(2 * rows, dtype=dtype).reshape(rows, 2)
    write_run(root, "run_00", colours, actions)
    dataset, repairs = read_picture_folders(root)
    np.testing.assert_array_equal(dataset.actions, actions[:3].astype(np.float32))
    assert ("dropped 1 last action that leads nowhere" in str(repairs)) == (rows == 4)


def test_whole_numbers_are_discrete_actions_beside_jpegs_too(root, colours):
    write_run(root, "run_00", colours, np.array([2, 0, 1]), suffix=".jpg")
    assert recognise(root) == "picture-folders"
    dataset = Dataset.from_folder(root, report=None)
    assert dataset.actions.tolist() == [2, 0, 1]
    assert dataset.num_actions == 3


def test_a_wide_table_beside_jpegs_is_a_rope_unless_one_says_otherwise(root, colours, rng):
    write_run(root, "run_00", colours, rng.normal(size=(4, 7)), suffix=".jpg")
    assert recognise(root) == "rope-pictures"
    with pytest.raises(SourceError, match=r"the last number is .*If all columns are the action.*picture-folders"):
        Dataset.from_folder(root)
    assert Dataset.from_folder(root, format_name="picture-folders", report=None).actions.shape == (3, 7)


@pytest.mark.parametrize("rows", [2, 5, 0])
def test_actions_that_do_not_fit_are_named(root, colours, rows):
    write_run(root, "run_00", colours, np.zeros((rows, 2)))
    with pytest.raises(SourceError, match=rf"run_00: {rows} actions for 4 observations; need 3, .* or 4"):
        read_picture_folders(root)


def test_actions_must_be_there_for_all_runs_or_none(root, colours):
    write_run(root, "run_00", colours, np.zeros((3, 2)))
    write_run(root, "run_01", colours)
    with pytest.raises(MissingFileError, match=r"no file .*run_01/actions\.npy, but run_00 has one"):
        read_picture_folders(root)


def test_objects_for_actions_are_refused(root, colours):
    write_run(root, "run_00", colours, np.zeros(3))
    np.save(root / "run_00" / "actions.npy", np.array([{}, {}, {}]), allow_pickle=True)
    with pytest.raises(SourceError, match=r"actions\.npy holds Python objects; need a plain array"):
        read_picture_folders(root)


def test_short_runs_are_dropped_and_counted(root, colours):
    for run, length in (("run_00", 4), ("run_01", 0), ("run_02", 1)):
        write_run(root, run, colours[:length])
    dataset, repairs = read_picture_folders(root)
    assert dataset.num_episodes == 1
    assert str(repairs).startswith("dropped 1 empty trajectory, 1 trajectory of one frame")


def test_repeated_frames_stay_unless_asked_otherwise(root, colours):
    write_run(root, "run_00", colours[[0, 1, 1, 2]], np.arange(3))
    assert read_picture_folders(root)[0].num_transitions == 3
    dataset, repairs = read_picture_folders(root, drop_pauses=True)
    assert dataset.actions.tolist() == [0, 2]
    assert "1 step in which nothing changed" in str(repairs)


def test_another_picture_out_of_the_blue_is_cut_off_when_asked(root):
    write_run(root, "run_00", np.repeat(np.uint8([10, 12, 200, 202]), 64).reshape(4, 8, 8))
    dataset, repairs = read_picture_folders(root, max_jump=50)
    assert dataset.observations[:, 0, 0, 0].tolist() == [10, 12, 200, 202]
    assert dataset.episode_lengths.tolist() == [1, 1]
    assert "cut at 1 jump" in str(repairs)


def test_damaged_and_deep_pictures_are_named(root, colours):
    write_run(root, "run_00", colours)
    picture = root / "run_00" / "002.png"
    picture.write_bytes(cv2.imencode(".png", np.zeros((4, 4), np.uint16))[1].tobytes())
    with pytest.raises(SourceError, match=r"002\.png: a PNG of 16 bits a channel; need 8"):
        read_picture_folders(root)
    picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises((CorruptFileError, SourceError), match=r"002\.png"):
        read_picture_folders(root)


def test_what_is_missing_is_said(root, tmp_path):
    with pytest.raises(MissingFileError, match="no folder"):
        read_picture_folders(root)
    with pytest.raises(SourceError, match="holds no folder run_00"):
        read_picture_folders(tmp_path)
