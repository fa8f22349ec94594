"""Views kept on disk: whole or not there, resumed, named after what they depend on."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from plan2vec_envs.errors import DiskFullError, InvalidOptionError, StorageError
from plan2vec_envs.image_graph import WorldGraph
from plan2vec_envs.image_graph.street_view import cache
from plan2vec_envs.image_graph.street_view.cache import cached_views
from plan2vec_envs.image_graph.street_view.nuisance import HARDER
from plan2vec_envs.image_graph.street_view.renderer import RENDERER_VERSION, StreetRenderer


@pytest.fixture(scope="module")
def world() -> WorldGraph:
    position = np.stack([np.zeros(12), np.arange(12) * 10.0], 1)
    return WorldGraph.from_links("lane", [(i, i + 1) for i in range(11)], position)


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """How many views each call of the renderer drew; blocks are of four places with two views each."""
    counts: list[int] = []
    views = StreetRenderer.views

    def counted(self, places, view_ids):
        counts.append(len(places))
        return views(self, places, view_ids)

    monkeypatch.setattr(StreetRenderer, "views", counted)
    monkeypatch.setattr(cache, "_BLOCK", 8)
    return counts


def names(folder) -> list[str]:
    return sorted(p.suffix for p in folder.iterdir() if p.suffix != ".lock")


def test_stored_views_are_what_the_renderer_draws(world, tmp_path):
    views = cached_views(world, [0, 7], folder=tmp_path / "new")
    assert isinstance(views, np.memmap)
    assert views.shape == (12, 2, 1, 64, 64)
    places = np.repeat(np.arange(12), 2)
    np.testing.assert_array_equal(
        views.reshape(24, 1, 64, 64), StreetRenderer(world).views(places, np.tile([0, 7], 12))
    )
    with pytest.raises(ValueError, match="read-only"):
        views[0] = 0


def test_a_second_call_draws_nothing(world, tmp_path, drawn):
    first = cached_views(world, [0, 1], folder=tmp_path)
    assert drawn == [8, 8, 8]
    second = cached_views(world, [0, 1], folder=tmp_path)
    assert drawn == [8, 8, 8]
    np.testing.assert_array_equal(first, second)


def test_the_manifest_says_what_the_pixels_depend_on(world, tmp_path):
    cached_views(world, [0, 1], folder=tmp_path, nuisance=HARDER)
    (path,) = tmp_path.glob("*.json")
    manifest = json.loads(path.read_text())
    assert manifest["world"] == world.fingerprint
    assert manifest["renderer_version"] == RENDERER_VERSION
    assert manifest["nuisance"] == {"lane": 4, "along": 1, "yaw": 5, "cars": 3, "exposure": 1, "noise": 4}
    assert (manifest["seed"], manifest["view_ids"]) == (0, [0, 1])


def test_whatever_the_pixels_depend_on_has_a_file_of_its_own(world, tmp_path, monkeypatch):
    cached_views(world, [0, 1], folder=tmp_path)
    cached_views(world, [1, 0], folder=tmp_path)
    cached_views(world, [0, 1], folder=tmp_path, nuisance=HARDER)
    cached_views(world.take(np.arange(11), "shorter"), [0, 1], folder=tmp_path)
    monkeypatch.setattr(cache, "RENDERER_VERSION", RENDERER_VERSION + 1)
    cached_views(world, [0, 1], folder=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 5


@pytest.mark.parametrize("torn", [False, True])
def test_an_interrupted_call_leaves_no_views_and_the_next_goes_on(world, tmp_path, drawn, monkeypatch, torn):
    counted = StreetRenderer.views

    def interrupted(self, places, view_ids):
        if len(drawn) == 2:
            raise KeyboardInterrupt
        return counted(self, places, view_ids)

    monkeypatch.setattr(StreetRenderer, "views", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached_views(world, [0, 1], folder=tmp_path)
    assert names(tmp_path) == [".json", ".part"]
    if torn:  # killed within the third block
        (part,) = tmp_path.glob("*.part")
        with open(part, "ab") as file:
            file.write(bytes(5000))
    drawn.clear()
    monkeypatch.setattr(StreetRenderer, "views", counted)
    views = cached_views(world, [0, 1], folder=tmp_path)
    assert names(tmp_path) == [".json", ".npy"]
    assert sum(drawn) == (8 if torn else 16)  # the last block of before is drawn again
    np.testing.assert_array_equal(views, cached_views(world, [0, 1], folder=tmp_path / "fresh"))


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"nonsense" * 100])
def test_damaged_files_are_drawn_again(world, tmp_path, damage):
    whole = np.array(cached_views(world, [0], folder=tmp_path))
    (path,) = tmp_path.glob("*.npy")
    path.unlink()
    path.write_bytes(damage)
    path.with_suffix(".part").write_bytes(damage)
    np.testing.assert_array_equal(cached_views(world, [0], folder=tmp_path), whole)


def test_two_at_once_draw_once(world, tmp_path, drawn):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: cached_views(world, [0, 1], folder=tmp_path), range(2))
    assert sum(drawn) == 24
    np.testing.assert_array_equal(first, second)


def test_a_full_disk_is_named_and_gets_its_space_back(world, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(cache, "write_json", lambda *_: None)
    with pytest.raises(DiskFullError, match="It needs up to"):
        cached_views(world, [0, 1], folder=tmp_path)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_storage_error(world, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write"):
        cached_views(world, [0], folder=tmp_path / "file")


@pytest.mark.parametrize("ids", [[], [0, 0], [-1], [2**31], [0.5], [[0]], 0])
def test_view_ids_that_are_none_are_refused(world, tmp_path, ids):
    with pytest.raises(InvalidOptionError, match="view_ids"):
        cached_views(world, ids, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
