"""Datasets as worlds."""

from __future__ import annotations

import numpy as np
import pytest

from data_collection import Dataset, DatasetError, Episode, world_of_dataset


def test_places_are_rows_and_links_the_transitions_there_and_back(dataset):
    world = world_of_dataset(dataset, "toy", format="rope-arrays")
    both = {(int(a), int(b)) for a, b in np.concatenate([dataset.transitions, dataset.transitions[:, ::-1]])}
    assert {(int(a), int(b)) for a, b in world.links} == both
    np.testing.assert_array_equal(world.views, dataset.observations)
    np.testing.assert_array_equal(world.view_places, np.arange(dataset.num_observations))
    np.testing.assert_array_equal(world.oracle_position, dataset.oracle_position)
    assert world.about["positions"] == "recorded"
    assert (world.about["format"], world.about["fingerprint"]) == ("rope-arrays", dataset.fingerprint)


def test_no_link_leads_from_one_trajectory_to_another_unless_it_is_asked_for(dataset):
    world = world_of_dataset(dataset.without_oracle(), "toy")
    start, end = dataset.episode_ids[world.links].T
    assert (start == end).all()
    assert world.components().max() + 1 == dataset.num_episodes
    assert world.about["positions"] == "layout"
    edge = [0, dataset.num_observations - 1]
    joined = world_of_dataset(dataset.without_oracle(), "toy", np.array([edge]))
    assert joined.num_links == world.num_links + 1
    assert edge in joined.links.tolist()


def test_recorded_lengths_become_those_of_the_links(rng):
    frames = rng.integers(0, 256, (5, 1, 4, 4), np.uint8)
    steps = np.array([2, 0.5], np.float32), np.array([3], np.float32)
    dataset = Dataset.from_episodes(
        [Episode(frames[:3], step_lengths=steps[0]), Episode(frames[3:], step_lengths=steps[1])]
    )
    world = world_of_dataset(dataset, "toy")
    lengths = {(int(a), int(b)): float(x) for (a, b), x in zip(world.links, world.lengths, strict=True)}
    assert lengths == {(0, 1): 2, (1, 0): 2, (1, 2): 0.5, (2, 1): 0.5, (3, 4): 3, (4, 3): 3}


def test_vectors_are_no_pictures(make_episodes):
    with pytest.raises(DatasetError, match=r"holds vectors \(3,\); a world shows pictures"):
        world_of_dataset(Dataset.from_episodes(make_episodes(image=False)), "toy")
