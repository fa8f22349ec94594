"""Which format a file or folder is taken for."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from data_collection.sources import FORMATS, read_recording, recognise
from plan2vec_envs.errors import InvalidOptionError, MissingFileError, SourceError, UnknownNameError


def objects(*entries):
    array = np.empty(len(entries), object)
    for i, entry in enumerate(entries):
        array[i] = entry
    return array


def arrays(folder, content=None):
    path = folder / "rope.npy"
    np.save(path, objects(*[np.ones((2, 64, 64, 1), np.uint8)] * 2) if content is None else content, allow_pickle=True)
    return path


def pictures(folder, run="run_00", names=("a.jpg", "b.jpg", "actions.npy")):
    root = folder / "rope"
    (root / run).mkdir(parents=True)
    for name in names:
        if name.endswith(".npy"):
            np.save(root / run / name, np.ones((2, 5)))
        else:
            (root / run / name).write_bytes(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes())
    return root


def no_pictures_of_a_rope(folder):
    return pictures(folder, names=("a.jpg", "b.jpg"))


@pytest.mark.parametrize(
    ("name", "make"),
    [("rope-arrays", arrays), ("rope-pictures", pictures), ("picture-folders", no_pictures_of_a_rope)],
)
def test_a_format_is_recognised_by_its_own_sniff_alone(tmp_path, name, make):
    path = make(tmp_path)
    assert [known for known, each in FORMATS.items() if each.sniff(path)] == [name]
    assert recognise(path) == recognise(str(path)) == name


def _text(folder):
    path = folder / "rope.npy"
    path.write_text("rope")
    return path


def _empty(folder):
    path = folder / "rope.npy"
    path.write_bytes(b"")
    return path


NEAR_MISSES = {
    "places as objects, as of streets": lambda folder: arrays(folder, objects(*[{"lat": 1.0, "lng": 2.0}] * 200)),
    "walks as objects, as of streets": lambda folder: arrays(folder, objects(*[list(range(10))] * 200)),
    "one trajectory": lambda folder: arrays(folder, np.zeros((5, 64, 64, 1), np.uint8)),
    "colours": lambda folder: arrays(folder, np.zeros((2, 5, 64, 64, 3), np.uint8)),
    "a .npy of text": _text,
    "an empty file": _empty,
    "an empty folder": lambda folder: folder,
    "no pictures": lambda folder: pictures(folder, names=("actions.npy",)),
    "pictures of another kind": lambda folder: pictures(folder, names=("a.gif", "actions.npy")),
    "pictures outside of runs": lambda folder: pictures(folder, run="run_00/camera"),
    "folders of another name": lambda folder: pictures(folder, run="walk_00"),
    "a run itself": lambda folder: pictures(folder) / "run_00",
}


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_what_only_resembles_a_format_is_not_taken_for_it(tmp_path, case):
    path = NEAR_MISSES[case](tmp_path)
    with pytest.raises(
        SourceError, match=r"looks like no known format\. Known: .*rope-arrays, .*rope-pictures, .*--format"
    ):
        recognise(path)


ROPE_NEAR_MISSES = {
    "no actions": no_pictures_of_a_rope,
    "other pictures": lambda folder: pictures(folder, names=("a.png", "actions.npy")),
    "too narrow a table for flags": lambda folder: pictures(folder, names=("a.jpg", "narrow.npy")),
}


@pytest.mark.parametrize("case", ROPE_NEAR_MISSES)
def test_pictures_that_are_none_of_a_rope_are_taken_for_pictures(tmp_path, case):
    path = ROPE_NEAR_MISSES[case](tmp_path)
    if (narrow := path / "run_00" / "narrow.npy").exists():
        np.save(path / "run_00" / "actions.npy", np.zeros((2, 4)))
        narrow.unlink()
    assert recognise(path) == "picture-folders"


def test_a_missing_file_and_a_pointer_are_said_to_be_that(tmp_path):
    with pytest.raises(MissingFileError, match="no file or folder"):
        recognise(tmp_path / "rope.npy")
    (tmp_path / "rope.npy").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(SourceError, match="Git LFS pointer"):
        recognise(tmp_path / "rope.npy")


def test_what_looks_like_several_formats_must_be_named(tmp_path, monkeypatch):
    path = arrays(tmp_path, np.full((2, 3, 64, 64, 1), 9, np.uint8))
    eager = dataclasses.replace(FORMATS["rope-pictures"], sniff=lambda path: True)
    monkeypatch.setitem(FORMATS, "rope-pictures", eager)
    with pytest.raises(InvalidOptionError, match="looks like rope-arrays and like rope-pictures; say which"):
        recognise(path)
    assert read_recording(path, "rope-arrays")[0].num_episodes == 2


def test_unknown_formats_and_options_are_named(tmp_path):
    path = pictures(tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'rope-arrays'"):
        read_recording(path, "rope-array")
    with pytest.raises(
        InvalidOptionError, match="'rope-pictures' has no option 'allow_objects'; it has none of its own"
    ):
        read_recording(path, allow_objects=True)
