"""Random drives through a world of places and pictures."""

from __future__ import annotations

import numpy as np
import pytest

from data_collection import Dataset, Episode, load_dataset, save_dataset
from data_collection.collection.drives import collect_drives
from data_collection.errors import DatasetError
from plan2vec_envs.errors import InvalidOptionError
from plan2vec_envs.image_graph import Views, WorldGraph, make_city


@pytest.fixture(scope="module")
def city():
    world = make_city(80, seed=0)
    # Picture k of place v is the number of both, in two bytes.
    frames = np.zeros((80, 3, 1, 1, 2), np.uint8)
    frames[..., 0, 0, 0], frames[..., 0, 0, 1] = np.arange(80)[:, None], np.arange(3)
    return world, Views.drawn(frames)


def read(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Place and picture number of every row."""
    return dataset.observations[:, 0, 0, 0].astype(int), dataset.observations[:, 0, 0, 1].astype(int)


def test_drives_follow_links_and_never_come_back(city):
    world, views = city
    dataset = collect_drives(world, views, seed=0)
    places, _ = read(dataset)
    links = {tuple(link) for link in world.links.tolist()}
    assert all((places[a], places[b]) in links for a, b in dataset.transitions.tolist())
    for episode in dataset.episodes():
        seen = episode.observations[:, 0, 0, 0].tolist()
        assert len(set(seen)) == len(seen)
        assert len(episode) <= 10


@pytest.mark.parametrize(("coverage", "passes"), [(4, 1), (1, 1), (5, 3), (3, 3)])
def test_every_place_is_seen_as_often_as_asked_for_in_every_pass(city, coverage, passes):
    dataset = collect_drives(*city, coverage=coverage, passes=passes, seed=1)
    places, numbers = read(dataset)
    assert (np.bincount(places, minlength=80) >= coverage).all()
    for each in range(passes):
        share = coverage // passes + (each < coverage % passes)
        assert (np.bincount(places[numbers == each], minlength=80) >= share).all()
    for episode in dataset.episodes():
        assert len(np.unique(episode.observations[:, 0, 0, 1])) == 1, "a drive is one pass"


def test_step_lengths_are_those_of_links_up_to_the_error_of_odometry(city):
    world, views = city
    exact, noisy = (collect_drives(world, views, odometry=error, seed=2) for error in (0.0, 0.05))
    places, _ = read(exact)
    gaps = np.linalg.norm(np.diff(world.oracle_position[places[exact.transitions]], axis=1)[:, 0], axis=1)
    np.testing.assert_allclose(exact.step_lengths, gaps, rtol=1e-5)
    error = noisy.step_lengths / exact.step_lengths - 1
    assert 0.03 < error.std() < 0.07
    assert abs(error.mean()) < 0.01


def test_the_seed_decides(city):
    one, same, other = (collect_drives(*city, seed=seed) for seed in (3, 3, 4))
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint != other.fingerprint


def test_a_place_that_no_link_leaves_is_seen_by_who_drives_there():
    world = WorldGraph.from_links("end", np.array([(0, 1), (1, 0), (1, 2)]), np.array([(0, 0), (10, 0), (20, 0)]))
    views = Views.drawn(np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1, 1))
    dataset = collect_drives(world, views, coverage=2, seed=0)
    assert (np.bincount(dataset.observations.ravel(), minlength=3) >= 2).all()


def test_bad_numbers_are_named(city):
    for name in ("horizon", "coverage", "passes"):
        with pytest.raises(InvalidOptionError, match=f"{name}=0 must be a whole number, at least 1"):
            collect_drives(*city, **{name: 0})
    with pytest.raises(InvalidOptionError, match=r"4 passes need as many pictures .* has 3"):
        collect_drives(*city, passes=4)
    with pytest.raises(InvalidOptionError, match="odometry 1"):
        collect_drives(*city, odometry=1)


def test_step_lengths_survive_disk_parts_and_joining(city, tmp_path):
    dataset = collect_drives(*city, seed=0)
    kept = load_dataset(save_dataset(dataset, tmp_path / "drives.npz"))
    np.testing.assert_array_equal(kept.step_lengths, dataset.step_lengths)
    assert kept.fingerprint == dataset.fingerprint
    parts = [dataset.take_episodes([i]) for i in range(dataset.num_episodes)]
    np.testing.assert_array_equal(Dataset.concatenate(parts).step_lengths, dataset.step_lengths)
    again = Dataset.from_episodes(dataset.episodes())
    np.testing.assert_array_equal(again.step_lengths, dataset.step_lengths)
    assert dataset.without_oracle().step_lengths is not None


def test_step_lengths_are_above_zero_finite_and_one_a_step():
    frames = np.zeros((3, 2), np.float32)
    for lengths, words in (([1.0, 0.0], "row 1 is 0.0"), ([1.0], "1 rows; need 2"), ([1.0, np.nan], "NaN")):
        with pytest.raises(DatasetError, match=words):
            Episode(frames, step_lengths=np.array(lengths))
