"""The folders of the paper's authors, written here as numpy writes them."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct

import cv2
import numpy as np
import pytest

from data_collection.sources import read_streets
from data_collection.sources.files.object_arrays import read_array
from data_collection.sources.files.pictures import decode_view
from data_collection.sources.streets.processed import read_streetlearn_processed
from data_collection.sources.streets.streets import Box, Part
from plan2vec_envs.errors import (
    CorruptFileError,
    FileTooLargeError,
    InvalidOptionError,
    MissingFileError,
    SourceError,
    UnsafeFileError,
)

COORDS = [{"lat": 40.73 + 0.0001 * i, "lng": -74.0} for i in range(6)]
WALKS = [[0, 1, 2], [2, 1], [3, 4, 5, 4]]


def objects(entries):
    array = np.empty(len(entries), object)
    array[:] = entries
    return array


def jpeg(value, shape=(208, 416, 3)):
    small = np.random.default_rng(value).integers(0, 256, (13, 26, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, shape[1::-1]))[1].tobytes()


@pytest.fixture
def write(tmp_path):
    def write(coords=COORDS, walks=WALKS, pictures=None, chunk=4):
        np.save(tmp_path / "coords.npy", objects(coords), allow_pickle=True)
        np.save(tmp_path / "trajs.npy", objects(walks), allow_pickle=True)
        pictures = [jpeg(i) for i in range(len(coords))] if pictures is None else pictures
        (tmp_path / "view_512").mkdir()
        width = max(map(len, pictures)) + 100  # as of the longest picture of all
        for i in range(0, len(pictures), chunk):
            np.save(
                tmp_path / "view_512" / f"chunk_{i // chunk:04d}.npy", np.array(pictures[i : i + chunk], f"S{width}")
            )
        return tmp_path

    return write


def read(folder, part=None, **options):
    return read_streetlearn_processed(folder, part, allow_objects=True, **options)


def test_walks_become_links_in_both_directions(write):
    world, repairs = read(write())
    assert world.links.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1], [3, 4], [4, 3], [4, 5], [5, 4]]
    assert str(repairs) == "nothing to repair; 2 pieces that do not reach each other"
    np.testing.assert_allclose(world.lengths, 1e-4 * 111_320, rtol=1e-4)


def test_views_are_the_whole_panorama_in_grey_squashed_to_a_square(write):
    world, _ = read(write())
    assert world.view_places.tolist() == list(range(6))
    for row in (0, 5):
        whole = cv2.imdecode(np.frombuffer(jpeg(row), np.uint8), cv2.IMREAD_COLOR)
        grey = cv2.resize(cv2.cvtColor(whole, cv2.COLOR_BGR2GRAY), (64, 64), interpolation=cv2.INTER_CUBIC)
        assert np.array_equal(world.views[row, 0], grey)


def test_pictures_of_other_parts_are_not_decoded(write):
    pictures = [jpeg(0), jpeg(1), *[b"no picture"] * 4]
    world, _ = read(write(pictures=pictures), Part("south", Box(40.7299, -74.1, 0.00025, 1)))
    assert world.place_ids.tolist() == ["0", "1"]
    assert world.views.shape == (2, 1, 64, 64)


@pytest.mark.parametrize("radius", [1.5e-4, 2.5e-4])
def test_the_legacy_radius_links_what_is_close_in_the_sum_of_differences(write, radius, rng):
    coords = [{"lat": 40 + a, "lng": -74 + b} for a, b in rng.uniform(0, 6e-4, (30, 2))]
    world, _ = read(write(coords), gps_radius=radius, views=False)
    close = {
        (i, j)
        for i, p in enumerate(coords)
        for j, q in enumerate(coords)
        if i != j and abs(p["lat"] - q["lat"]) + abs(p["lng"] - q["lng"]) < radius
    }
    assert {(int(a), int(b)) for a, b in world.links} == close


def test_walks_of_one_length_and_of_numpy_numbers_are_read_too(write):
    folder = write(coords=[{key: np.float64(value) for key, value in place.items()} for place in COORDS])
    expected = [[0, 1], [1, 0], [1, 2], [2, 1], [3, 4], [4, 3], [4, 5], [5, 4]]
    tables = {
        "object table": np.array([[0, 1, 2], [3, 4, 5]], object),
        "plain table": np.array([[0, 1, 2], [3, 4, 5]]),
        "big-endian arrays": objects([np.array([0, 1, 2], ">i4"), np.array([3, 4, 5], ">i8")]),
        "lists of numpy numbers": objects([[np.int64(i) for i in walk] for walk in WALKS]),
        "object arrays": objects([objects(walk) for walk in WALKS]),
    }
    for name, table in tables.items():
        np.save(folder / "trajs.npy", table, allow_pickle=True)
        assert read(folder, views=False)[0].links.tolist() == expected, name


def test_a_walk_that_stands_still_and_a_missing_picture_are_counted(write):
    world, repairs = read(write(walks=[[0, 0, 1, 2, 3, 4]], pictures=[*[jpeg(i) for i in range(5)], b""]))
    assert str(repairs) == "dropped 1 self link, 1 panorama without a picture"
    assert world.num_places == 5


def test_objects_are_read_on_request_only(write):
    with pytest.raises(UnsafeFileError, match=r"coords\.npy holds Python objects.*pass allow_objects=True"):
        read_streets("streetlearn-processed", write())


class Trap:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("trap", "name"),
    [
        (Trap(os.mkdir, "owned"), r"\w+\.mkdir"),
        (Trap(eval, "1"), "builtins.eval"),
        (Trap(np.load, "x"), r"numpy\.\S*load"),
        (Trap(np.frombuffer, b"x"), r"numpy\S*\.frombuffer"),
        (Trap(getattr, "text", "upper"), "builtins.getattr"),
        (os.system, r"\w+\.system"),
        (np.float64, "numpy.float64"),
    ],
)
def test_a_file_that_asks_for_a_function_runs_nothing(tmp_path, monkeypatch, trap, name):
    monkeypatch.chdir(tmp_path)
    np.save("coords.npy", objects([{"lat": 1.0, "lng": trap}]), allow_pickle=True)
    with pytest.raises(UnsafeFileError, match=f"asks for {name}; .*Nothing was run"):
        read_array(tmp_path / "coords.npy", allow_objects=True)
    assert os.listdir() == ["coords.npy"]


def test_no_damage_to_an_object_array_gets_past_its_reader(tmp_path, rng):
    """Any byte flipped or the end cut off: an error of ours, or values; no other exception, and nothing huge."""
    path = tmp_path / "coords.npy"
    buffer = io.BytesIO()
    np.save(buffer, objects([{"lat": 1.5}, [1, 2], np.arange(3), np.float64(2), "text"]), allow_pickle=True)
    whole = buffer.getvalue()
    for i in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[i] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged if rng.random() < 0.8 else whole[:i])
        with contextlib.suppress(CorruptFileError, SourceError):
            read_array(path, allow_objects=True)


@pytest.mark.parametrize(
    "opcodes",
    [
        pickle.BYTEARRAY8 + struct.pack("<Q", 1 << 40),
        b"(lp0\n",
        pickle.NONE + pickle.PERSID + b"x\n",
        pickle.GLOBAL + b"numpy\ndtype\n" + pickle.NONE + pickle.BUILD,
    ],
)
def test_opcodes_that_no_array_needs_are_refused(tmp_path, opcodes):
    path = tmp_path / "coords.npy"
    np.save(path, objects([1]), allow_pickle=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\x80\x04")] + pickle.PROTO + b"\x04" + opcodes + pickle.STOP)
    with pytest.raises(CorruptFileError, match="truncated or damaged"):
        read_array(path, allow_objects=True)


def test_arrays_within_arrays_end_somewhere(tmp_path):
    """Each level of a few bytes would double what is unpacked."""
    nested = objects([1])
    for _ in range(60):
        nested = objects([nested, nested])
    np.save(tmp_path / "coords.npy", nested, allow_pickle=True)
    with pytest.raises(CorruptFileError, match="arrays within arrays within arrays"):
        read_array(tmp_path / "coords.npy", allow_objects=True)


def test_an_array_of_objects_cannot_be_smuggled_in_as_numbers(tmp_path):
    """numpy's own reader would take the address of an object from the file."""
    path, payload = tmp_path / "coords.npy", objects([np.arange(3)])
    np.save(path, payload, allow_pickle=True)
    text = path.read_bytes()
    assert text.count(b"i8") == 1
    path.write_bytes(text.replace(b"i8", b"V8"))
    with pytest.raises(CorruptFileError, match="'V8' is not used here"):
        read_array(path, allow_objects=True)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"coords": []}, SourceError, r"coords\.npy lists no place"),
        ({"coords": [*COORDS[:5], {"lat": 1.0}]}, SourceError, r"coords\.npy, row 5: .*need a dict with numbers lat"),
        ({"coords": [*COORDS[:5], {"lat": "1", "lng": 2.0}]}, SourceError, r"row 5"),
        (
            {"coords": [*COORDS[:5], {"lat": float("nan"), "lng": 0.0}]},
            SourceError,
            r"row 5: panorama '5' lies at .* nan",
        ),
        ({"walks": [[0, 1], [2, 6]]}, SourceError, r"trajs\.npy, row 1: 6; need rows of coords\.npy, 0 to 5"),
        ({"walks": [[0, 1], [2, -1]]}, SourceError, r"row 1: -1"),
        ({"walks": [[0, 1], [2, 1.5]]}, SourceError, r"row 1: 1\.5"),
        ({"walks": [[0, 1], 7]}, SourceError, r"row 1: 7; need a list"),
        ({"pictures": [jpeg(0)] * 5}, CorruptFileError, r"holds 5 pictures in 2 files, but .* lists 6"),
        ({"pictures": [jpeg(0)] * 7}, CorruptFileError, r"holds 7 pictures in 2 files, but .* lists 6"),
        (
            {"pictures": [*[jpeg(0)] * 5, jpeg(0)[:-200]]},
            CorruptFileError,
            r"chunk_0001\.npy, row 1 \(place 5\): .*trunc",
        ),
        ({"pictures": [*[jpeg(0)] * 5, b"GIF89a"]}, SourceError, r"chunk_0001\.npy, row 1 \(place 5\): neither JPEG"),
    ],
)
def test_files_that_do_not_fit_are_named_with_the_row(write, changes, error, message):
    folder = write(**{"pictures": [b"x"], **changes} if "coords" in changes else changes)
    with pytest.raises(error, match=message):
        read(folder, views="pictures" in changes)


@pytest.mark.parametrize("name", ["coords.npy", "trajs.npy", "view_512/chunk_0001.npy"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "pointer", "no array"])
def test_a_damaged_file_is_named(write, name, damage):
    path = write() / name
    error, message = CorruptFileError, "truncated or damaged"
    match damage:
        case "missing":
            path.unlink()
            error, message = (CorruptFileError, "missing") if "chunk" in name else (MissingFileError, name)
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[:-40])
        case "pointer":
            path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
            error, message = SourceError, "Git LFS pointer.*git lfs pull"
        case "no array":
            path.write_bytes(pickle.dumps([1, 2, 3]))
    with pytest.raises(error, match=message):
        read(path.parents[name.count("/")])


def test_what_is_missing_is_said(write, tmp_path):
    with pytest.raises(MissingFileError, match="no folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InvalidOptionError, match="gps_radius is -1"):
        read(tmp_path, gps_radius=-1)
    folder = write()
    for file in (folder / "view_512").iterdir():
        file.unlink()
    with pytest.raises(MissingFileError, match=r"no .*chunk_0000\.npy; read the folder without views"):
        read(folder)


def test_chunks_of_another_kind_are_refused(write):
    folder = write()
    np.save(folder / "view_512" / "chunk_0000.npy", np.zeros((4, 8), np.uint8))
    with pytest.raises(
        SourceError, match=r"chunk_0000\.npy holds shape \(4, 8\) and dtype uint8; need one row of bytes"
    ):
        read(folder)


@pytest.mark.parametrize("width", [60_000, 65_500])
def test_a_jpeg_that_claims_to_be_huge_is_refused_before_it_is_decoded(monkeypatch, width):
    data = jpeg(0)
    at = data.index(b"\xff\xc0")
    bomb = data[: at + 5] + struct.pack(">HH", 1000, width) + data[at + 9 :]
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(FileTooLargeError, match=f"here: a picture of {width} x 1000 pixels"):
        decode_view(bomb, "here")


def test_no_damage_to_a_picture_gets_past_its_reader(rng, capfd):
    """A flipped byte in the header or a cut anywhere: an error of ours or a picture; cuts are always noticed."""
    for whole in (jpeg(0), cv2.imencode(".png", np.zeros((20, 40, 3), np.uint8))[1].tobytes()):
        for cut in rng.integers(0, len(whole) - 1, 60):
            with pytest.raises((CorruptFileError, SourceError)):
                decode_view(whole[:cut], "here")
        for i in rng.integers(0, min(len(whole), 700), 100):
            damaged = bytearray(whole)
            damaged[i] ^= 1 << int(rng.integers(8))
            with contextlib.suppress(CorruptFileError, SourceError, FileTooLargeError):
                assert decode_view(bytes(damaged), "here").shape == (1, 64, 64)
    capfd.readouterr()  # OpenCV complains on its own
