"""The official StreetLearn release, written here byte by byte: the extra `street` is needed to read it."""

from __future__ import annotations

import importlib.util
import struct
import sys
import zlib
from contextlib import closing

import cv2
import numpy as np
import pytest

from data_collection.sources.streets.leveldb import _entries, read_streetlearn_leveldb
from data_collection.sources.streets.streets import Box, Part
from plan2vec_envs.errors import (
    CorruptFileError,
    FileTooLargeError,
    MissingExtraError,
    MissingFileError,
    SourceError,
    StorageError,
)

EXTRA = all(importlib.util.find_spec(name) for name in ("plyvel", "google.protobuf"))
needs_extra = pytest.mark.skipif(not EXTRA, reason="needs the street extra")
PLACES = {"a": (40.73, -73.99), "b": (40.7301, -73.99), "c": (40.7301, -73.9899)}
LINKS = {"a": ["b"], "b": ["a", "c"], "c": ["b"]}
KEY = b"panos_connectivity"


def field(number, value):
    """One field of a protobuf message, by the wire format: double, text, bytes or message."""
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def pano(name, picture=None, *, heading=45.0, coords=None):
    """Numbers as in the release: 1 id, 3 street, 9 coordinates, 10 altitude, 13 heading, 16 picture, 17 neighbour."""
    lat, lng = coords or PLACES[name]
    message = field(1, name) + field(3, "Broadway") + field(9, field(1, lat) + field(2, lng)) + field(10, 3.0)
    message += field(13, heading) + field(17, field(1, "b"))
    return message if picture is None else message + field(16, picture)


def graph(links):
    connections = (
        field(1, start) + _varint(2 << 3) + _varint(300) + b"".join(field(3, end) for end in ends)
        for start, ends in links.items()
    )
    return field(1, field(1, 40.0) + field(2, -74.0)) + b"".join(field(3, each) for each in connections)


def picture(value, extension=".jpg", shape=(208, 416, 3)):
    rng = np.random.default_rng(value)
    pixels = cv2.resize(rng.integers(0, 256, (13, 26, 3), np.uint8), shape[1::-1])
    return cv2.imencode(extension, pixels)[1].tobytes()


@pytest.fixture
def write(tmp_path):
    """Writes keys and values into a database, and returns its folder."""

    def write(entries):
        import plyvel

        folder = tmp_path / "manhattan"
        # A buffer this small, and every large value goes into a table of its own.
        with closing(plyvel.DB(str(folder), create_if_missing=True, write_buffer_size=1 << 16)) as database:
            for key, value in entries.items():
                database.put(key if isinstance(key, bytes) else key.encode(), value)
            database.compact_range()  # into tables, out of the log
        return folder

    return write


def release(**changes):
    panos = {name: pano(name, picture(i)) for i, name in enumerate(PLACES)}
    return {KEY: graph(LINKS), **panos, **changes}


@needs_extra
def test_a_release_becomes_a_world_with_its_views(write):
    world, repairs = read_streetlearn_leveldb(write(release(b=pano("b", picture(1, ".png")))))
    assert world.place_ids.tolist() == ["a", "b", "c"]
    assert world.links.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1]]
    assert str(repairs) == "nothing to repair"
    assert world.yaw.tolist() == [45.0] * 3
    assert world.view_places.tolist() == [0, 1, 2]
    for view, data in zip(world.views, (picture(0), picture(1, ".png"), picture(2)), strict=True):
        whole = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2GRAY)
        assert np.array_equal(view[0], cv2.resize(whole, (64, 64), interpolation=cv2.INTER_CUBIC))
    # North and south, then east and west: no heading is recorded, so it is that of the straight line.
    np.testing.assert_allclose(world.headings, [0, 180, 90, 270], atol=1e-3)
    np.testing.assert_allclose(world.lengths[:2], 1e-4 * 111_320, rtol=1e-3)
    np.testing.assert_allclose(world.lengths[2:], 1e-4 * 111_320 * np.cos(np.radians(40.73)), rtol=1e-3)


@needs_extra
def test_without_views_pictures_are_not_looked_at(write):
    world, _ = read_streetlearn_leveldb(write(release(a=pano("a", b"no picture"), b=pano("b"))), views=False)
    assert world.views is None
    assert world.num_places == 3


@needs_extra
def test_pictures_outside_of_the_wanted_part_are_not_decoded(write):
    north = Part("north", Box(40.73005, -74.0, 0.001, 0.1))
    world, _ = read_streetlearn_leveldb(write(release(a=pano("a", b"no picture"))), north)
    assert (world.name, world.place_ids.tolist(), world.links.tolist()) == ("north", ["b", "c"], [[0, 1], [1, 0]])


@needs_extra
def test_what_makes_no_sense_is_dropped_and_counted(write):
    links = {**LINKS, "b": ["a", "a", "b", "c", "nowhere"], "ghost": ["a"]}
    world, repairs = read_streetlearn_leveldb(write(release(**{KEY.decode(): graph(links)}, c=pano("c"))))
    assert world.place_ids.tolist() == ["a", "b"]
    assert str(repairs) == (
        "dropped 1 self link, 1 duplicate link, 2 links to unknown panoramas, 1 panorama without a picture"
    )


@needs_extra
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"b": pano("b", picture(1))[:-500]}, CorruptFileError, "panorama 'b': .* bytes that are no Pano message"),
        ({"b": pano("b", picture(1)[:-500])}, CorruptFileError, "panorama 'b': the picture is truncated"),
        ({"b": pano("b", b"GIF89a")}, SourceError, "panorama 'b': neither JPEG nor PNG"),
        ({"b": pano("b", picture(1, ".png")[:-500])}, CorruptFileError, "panorama 'b': the picture is truncated"),
        ({"b": pano("b", coords=(float("nan"), 0.0))}, SourceError, "panorama 'b' lies at latitude nan"),
        ({"b": pano("b", coords=(91.0, 0.0))}, SourceError, "panorama 'b' lies at latitude 91"),
        ({"b": pano("b", heading=float("inf"))}, SourceError, "panorama 'b' has yaw inf"),
        ({"b": pano("c")}, SourceError, "panorama 'b': a message with id 'c'"),
        ({"b": field(1, "b")}, SourceError, "panorama 'b': .* no coordinates"),
        ({"panos_connectivity": b"\xff" * 20}, CorruptFileError, "no StreetLearnGraph message"),
    ],
)
def test_a_damaged_entry_is_named(write, changes, error, message):
    with pytest.raises(error, match=message):
        read_streetlearn_leveldb(write(release(**changes)))


@needs_extra
def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded(write, monkeypatch):
    small = picture(1, ".png")
    header = small[12:16] + struct.pack(">II", 60_000, 60_000) + small[24:29]
    bomb = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
    folder = write({KEY: graph(LINKS), "b": pano("b", bomb)})
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(FileTooLargeError, match="panorama 'b': a picture of 60000 x 60000 pixels"):
        read_streetlearn_leveldb(folder)


@needs_extra
def test_a_database_without_the_street_graph_shows_some_of_its_keys(write):
    entries = release()
    del entries[KEY]
    with pytest.raises(SourceError, match=r"no key 'panos_connectivity'.*found 3 others, such as 'a', 'b', 'c'"):
        read_streetlearn_leveldb(write(entries))


@needs_extra
def test_an_empty_database_is_no_release(write):
    with pytest.raises(SourceError, match="found 0 others"):
        read_streetlearn_leveldb(write({}))
    assert issubclass(SourceError, StorageError)


@needs_extra
def test_a_graph_without_panoramas_is_no_release(write):
    with pytest.raises(SourceError, match="lists no panorama"):
        read_streetlearn_leveldb(write({KEY: graph(LINKS)}))


@needs_extra
@pytest.mark.parametrize("damage", ["flipped", "truncated", "removed", "CURRENT"])
def test_a_damaged_database_is_named(write, damage):
    folder = write(release())
    table = max(folder.glob("*.ldb"), key=lambda path: path.stat().st_size)
    data = bytearray(table.read_bytes())
    match damage:
        case "flipped":
            data[len(data) // 2] ^= 0xFF
            table.write_bytes(data)
        case "truncated":
            table.write_bytes(data[: len(data) // 2])
        case "removed":
            table.unlink()
        case "CURRENT":
            (folder / "CURRENT").write_bytes(b"")
    with pytest.raises(StorageError, match=r"manhattan (is damaged|cannot be read)"):
        read_streetlearn_leveldb(folder)


@needs_extra
@pytest.mark.parametrize("which", [0, 1, -1])
def test_no_table_of_a_database_is_lost_in_silence(write, which):
    """plyvel by itself leaves out a damaged last table without a word."""
    big = np.random.default_rng(0).bytes(2_500_000)
    folder = write({KEY: graph(LINKS), "a": big, "b": big, "zz": big})
    tables = sorted(folder.glob("*.ldb"))
    assert len(tables) > 2
    data = tables[which].read_bytes()
    tables[which].write_bytes(data[: len(data) // 2])
    with pytest.raises(StorageError, match=r"manhattan (is damaged|cannot be read)"):
        list(_entries(folder))


@needs_extra
def test_other_folders_are_no_database(tmp_path):
    with pytest.raises(MissingFileError, match="no folder"):
        read_streetlearn_leveldb(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no file CURRENT"):
        read_streetlearn_leveldb(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["plyvel", "google.protobuf"])
def test_a_missing_extra_is_named_with_the_way_to_get_it(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingExtraError, match=r"needs (plyvel|protobuf); install it with `pip install -e '\.\[street"
    ):
        read_streetlearn_leveldb(tmp_path)
