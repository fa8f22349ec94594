from __future__ import annotations

import pytest

from plan2vec_envs.errors import InvalidOptionError, MissingFileError, StorageError, UnknownNameError
from plan2vec_envs.image_graph import get_world, make_city, save_world, world_names
from plan2vec_envs.image_graph.catalog import check_file_name


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The data folder's worlds and the cache's, empty."""
    monkeypatch.setenv("PLAN2VEC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data" / "worlds", tmp_path / "cache" / "worlds"


@pytest.mark.parametrize(
    ("name", "num_places", "options"),
    [
        ("city", 250, {}),
        ("city-one-way", 250, {"one_way": True}),
        ("city-river", 250, {"river": True}),
        ("city-400", 400, {}),
        ("city-one-way-river-60", 60, {"one_way": True, "river": True}),
    ],
)
def test_a_city_is_made_as_its_name_says(name, num_places, options):
    assert get_world(name).fingerprint == make_city(num_places, **options).fingerprint


def test_world_files_are_found_by_name_first_among_the_data(folders):
    in_data, in_cache = folders
    save_world(make_city(50, seed=1), in_cache / "small.npz")
    save_world(make_city(50, seed=2), in_cache / "mine.npz")
    assert get_world("small").fingerprint == make_city(50, seed=1).fingerprint
    save_world(make_city(50, seed=3), in_data / "small.npz")
    assert get_world("small").fingerprint == make_city(50, seed=3).fingerprint
    assert get_world("mine").fingerprint == make_city(50, seed=2).fingerprint
    assert [name for name in world_names() if not name.startswith("city")] == ["rope", "small", "mine"]


def test_a_world_file_is_read_from_its_path(folders, tmp_path):
    path = save_world(make_city(50), tmp_path / "here.npz")
    for given in (path, str(path)):
        assert get_world(given).num_places == 50
    with pytest.raises(MissingFileError, match=r"no file .*there\.npz"):
        get_world(tmp_path / "there.npz")
    path.write_bytes(b"nothing")
    with pytest.raises(StorageError, match=r"here\.npz is truncated or damaged"):
        get_world(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("citty", "Did you mean 'city'"),
        ("city-rivr", "Did you mean 'city-river'"),
        ("city-0", "unknown world 'city-0'"),
        ("tinny", r"Did you mean 'tiny'.*`plan2vec world SOURCE PATH` makes a world file"),
        ("what is this?", "unknown world"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest_and_how_to_make_a_world(folders, name, message):
    with pytest.raises(UnknownNameError, match=message):
        get_world(name)


def test_a_city_of_too_few_places_says_how_many_are_needed():
    with pytest.raises(InvalidOptionError, match="at least 40"):
        get_world("city-12")


def test_real_streets_without_a_file_say_how_to_make_it(folders):
    with pytest.raises(
        MissingFileError, match=r"no tiny\.npz in .*data/worlds or .*plan2vec world touchdown PATH --sub"
    ):
        get_world("tiny")


@pytest.mark.parametrize("name", ["city", "city-river-300", "rope", "../up", "a.npz", "", "a b"])
def test_a_file_cannot_have_a_name_under_which_it_is_not_found(name):
    with pytest.raises(InvalidOptionError, match="cannot be called"):
        check_file_name(name)
    assert check_file_name("my-streets_2") == "my-streets_2"
