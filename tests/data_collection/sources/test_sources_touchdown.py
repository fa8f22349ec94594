"""The street graph of Touchdown: the real one where PLAN2VEC_DATA holds it, else a city in its format."""

from __future__ import annotations

import csv
import functools
import os
from pathlib import Path

import numpy as np
import pytest

from data_collection.sources import read_streets
from data_collection.sources.repairs import Repairs
from data_collection.sources.streets.streets import SUBSETS, Box, Part
from data_collection.sources.streets.touchdown import read_touchdown
from plan2vec_envs.errors import InvalidOptionError, MissingFileError, Plan2vecError, SourceError, UnknownNameError
from plan2vec_envs.image_graph import load_world, make_city, save_world
from plan2vec_envs.io.folders import data_folder

# Places and pieces that the boxes of Table 3 cut out of the real graph; counted before this code was written.
REAL_COUNTS = {"tiny": (53, 1), "small": (264, 1), "medium": (542, 2), "large": (1530, 1), "xl": (5542, 1)}
REAL_COUNTS["full"] = (29641, 1)
TABLE_3 = {
    "tiny": (40.72891, -73.99694, 0.00143, 0.00191),
    "small": (40.72731, -73.99698, 0.00349, 0.00397),
    "medium": (40.72690, -73.99798, 0.00475, 0.00648),
    "large": (40.72601, -73.99700, 0.00799, 0.01000),
    "xl": (40.726, -73.997, 0.016, 0.02),
}


def is_real():
    return (Path(os.environ.get("PLAN2VEC_DATA") or "/nowhere") / "touchdown").is_dir()


def write_city(folder, num_places):
    """A city around Washington Square, in the format of the release: ids, whole degrees, six decimals."""
    city = make_city(num_places)
    lat = 40.7300 + city.oracle_position[:, 1] / 111_320
    lng = -73.9945 + city.oracle_position[:, 0] / (111_320 * np.cos(np.radians(40.73)))
    rows = zip(city.place_ids, city.yaw, lat, lng, strict=True)
    (folder / "nodes.txt").write_text("".join(f"p{i},{yaw:.0f},{a:.6f},{b:.6f}\n" for i, yaw, a, b in rows))
    links = zip(city.links, city.headings, strict=True)
    (folder / "links.txt").write_text("".join(f"p{a},{heading:.0f},p{b}\n" for (a, b), heading in links))


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """Folder, nodes and links as the csv module reads them."""
    if is_real():
        folder = data_folder("touchdown")
    else:
        folder = tmp_path_factory.mktemp("touchdown")
        write_city(folder, 4000)
    with open(folder / "nodes.txt", newline="") as nodes, open(folder / "links.txt", newline="") as links:
        return folder, list(csv.reader(nodes)), list(csv.reader(links))


@pytest.fixture(scope="module")
def read(streets):
    """Reads a subset, once."""
    return functools.cache(lambda subset: read_touchdown(streets[0], Part(subset=subset)))


@pytest.fixture
def folder(tmp_path):
    """Three places in a row, the middle one with the place to its north: a -> b <-> c, and d apart."""
    (tmp_path / "nodes.txt").write_text("a,10,40.0,-74\nb,20,40.0001,-74\nc,-30,40.0001,-73.9999\nd,0,40.01,-74\n")
    (tmp_path / "links.txt").write_text("a,3,b\nb,92,c\nc,272,b\nb,183,a\n")
    return tmp_path


@pytest.mark.parametrize("subset", SUBSETS)
def test_a_subset_holds_the_places_of_its_box(streets, read, subset):
    _, nodes, links = streets
    world, repairs = read(subset)
    lat, lng, height, width = TABLE_3.get(subset, (-90, -180, 180, 360))
    inside = [n for n in nodes if lat <= float(n[2]) <= lat + height and lng <= float(n[3]) <= lng + width]
    ids = {n[0] for n in inside}
    assert world.place_ids.tolist() == [n[0] for n in inside]
    assert {(world.place_ids[a], world.place_ids[b]) for a, b in world.links} == {
        (a, b) for a, _, b in links if a in ids and b in ids
    }
    if is_real():
        assert (world.num_places, repairs.pieces) == REAL_COUNTS[subset]
        assert 9.8 < world.median_length < 10.1
    assert world.name == subset


def test_yaw_and_headings_are_those_of_the_files(streets, read):
    _, nodes, links = streets
    world, _ = read("full")
    assert world.yaw.tolist() == [float(n[1]) % 360 for n in nodes]
    listed = {(a, b): float(heading) % 360 for a, heading, b in links}
    ends = [(world.place_ids[a], world.place_ids[b]) for a, b in world.links[:500]]
    assert world.headings[:500].tolist() == [listed[pair] for pair in ends]


def test_headings_of_the_files_agree_with_the_map(read):
    """Longitude stretched as it should be: links lead where their headings say, but for very short ones."""
    world, _ = read("large")
    east, north = np.diff(world.oracle_position[world.links], axis=1)[:, 0].T
    long = world.lengths > 5
    error = (np.degrees(np.arctan2(east, north)) - world.headings + 180)[long] % 360 - 180
    assert np.median(np.abs(error)) < 2
    np.testing.assert_allclose(world.lengths, np.hypot(east, north), rtol=1e-5)


def test_distances_are_those_of_the_sphere(streets, read):
    world, _ = read("large")
    ids = set(world.place_ids.tolist())
    lat, lng = np.radians([[float(v) for v in n[2:]] for n in streets[1] if n[0] in ids]).T
    east, north = world.oracle_position.T
    a, b = int(east.argmin()), int(east.argmax())
    half = np.sin((lat[a] - lat[b]) / 2) ** 2 + np.cos(lat[a]) * np.cos(lat[b]) * np.sin((lng[a] - lng[b]) / 2) ** 2
    haversine = 2 * np.arcsin(np.sqrt(half)) * 111_320 * 180 / np.pi
    assert np.hypot(east[a] - east[b], north[a] - north[b]) == pytest.approx(haversine, rel=1e-3)
    assert world.oracle_position.mean(0) == pytest.approx([0, 0], abs=1e-6)
    assert world.about["origin"]["lat"] == pytest.approx(np.degrees(lat).mean())


def test_a_world_of_streets_survives_its_file(read, tmp_path):
    world, _ = read("small")
    again = load_world(save_world(world, tmp_path / "small.npz"))
    assert again.fingerprint == world.fingerprint
    assert dict(again.about) == dict(world.about)
    assert "CC BY 4.0" in again.about["licence"]


def test_pieces_are_counted_and_all_but_the_largest_dropped_on_request(folder):
    whole, repairs = read_touchdown(folder)
    assert (whole.num_places, repairs.pieces) == (4, 2)
    assert str(repairs) == "nothing to repair; 2 pieces that do not reach each other"
    world, repairs = read_streets("touchdown", folder, connected=True, name="mine")
    assert (world.name, world.place_ids.tolist(), repairs) == ("mine", ["a", "b", "c"], Repairs(unconnected_places=1))
    assert str(repairs) == "dropped 1 place outside of the largest piece"
    assert world.yaw.tolist() == [10, 20, 330]


def test_what_makes_no_sense_is_dropped_and_counted(folder):
    nodes, links = folder / "nodes.txt", folder / "links.txt"
    nodes.write_text(nodes.read_text() + "\nb,99,40.0001,-74\n")
    links.write_text(links.read_text() + "a,0,a\nb,0,b\na,77,b\n\na,0,x\ny,0,a\nx,0,y\n")
    world, repairs = read_touchdown(folder)
    assert repairs == Repairs(self_links=2, duplicate_links=1, unknown_links=3, duplicate_places=1, pieces=2)
    assert str(repairs) == (
        "dropped 2 self links, 1 duplicate link, 3 links to unknown panoramas, 1 repeated panorama; "
        "2 pieces that do not reach each other"
    )
    assert world.about["repairs"] == str(repairs)
    assert world.headings[0] == 3  # the first of the two links from a to b
    assert world.yaw[1] == 20


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("nodes.txt", "", r"nodes\.txt is empty; .*id,yaw,latitude,longitude"),
        ("nodes.txt", "\n\n", r"nodes\.txt is empty"),
        ("links.txt", "", r"links\.txt is empty; .*from,heading,to"),
        ("nodes.txt", "panoid,yaw,lat,lng\n", r"nodes\.txt:1: latitude is 'lat'; .*no header"),
        ("nodes.txt", "a,1,40,-74\nb,2,4", r"nodes\.txt:2: 3 fields in 'b,2,4'; need 4"),
        ("nodes.txt", "a,1,nan,-74\n", r"nodes\.txt:1: latitude is 'nan'; need a finite number"),
        ("nodes.txt", "a,1,40,inf\n", r"nodes\.txt:1: longitude is 'inf'"),
        ("nodes.txt", "a,,40,-74\n", r"nodes\.txt:1: yaw is ''"),
        ("nodes.txt", "a,1,40,-274\n", r"nodes\.txt:1: panorama 'a' lies at latitude 40.0, longitude -274.0"),
        ("nodes.txt", ",1,40,-74\n", r"nodes\.txt:1: a panorama without an id"),
        ("nodes.txt", "a,1,40,-74\na,1,41,-74\n", r"nodes\.txt:2: panorama 'a' lies at 41\.0.*was at 40\.0"),
        ("links.txt", "a,north,b\n", r"links\.txt:1: heading is 'north'"),
        ("links.txt", "a,3,b\na,3,b,c\n", r"links\.txt:2: 4 fields"),
        ("links.txt", b"a,3,b\n\xff\xfe\x00", r"links\.txt is no text"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(folder, file, text, message):
    (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SourceError, match=message):
        read_touchdown(folder)


@pytest.mark.parametrize("file", ["nodes.txt", "links.txt"])
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(MissingFileError, match=file):
        read_touchdown(folder)
    with pytest.raises(MissingFileError, match="no folder"):
        read_touchdown(folder / "nowhere")


def test_a_box_without_places_says_where_they_are(folder):
    with pytest.raises(SourceError, match=r"none of the 4 panoramas .* latitudes 40\.0 to 40\.01"):
        read_touchdown(folder, Part(subset=Box(10, 10, 1, 1)))


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ("touchdwn", {}, UnknownNameError, "Did you mean 'touchdown'"),
        ("touchdown", {"subset": "tinny"}, UnknownNameError, "Did you mean 'tiny'"),
        ("touchdown", {"gps_radius": 1.0}, InvalidOptionError, "no option 'gps_radius'; it has none of its own"),
    ],
)
def test_wrong_names_and_options_are_answered_with_the_right_ones(folder, source, options, error, message):
    with pytest.raises(error, match=message):
        read_streets(source, folder, **options)


def test_the_data_folder_is_found_by_its_variable_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("PLAN2VEC_DATA", raising=False)
    with pytest.raises(MissingFileError, match="set PLAN2VEC_DATA to the folder that holds touchdown/"):
        data_folder("touchdown")
    monkeypatch.setenv("PLAN2VEC_DATA", str(tmp_path))
    (tmp_path / "other").mkdir()
    with pytest.raises(MissingFileError, match="which holds other") as caught:
        data_folder("touchdown")
    assert isinstance(caught.value, Plan2vecError)
    (tmp_path / "touchdown").mkdir()
    assert data_folder("touchdown") == tmp_path / "touchdown"
