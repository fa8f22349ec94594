"""Sequences of random drags, and oracle positions that are several points each."""

from __future__ import annotations

import time

import gymnasium as gym
import numpy as np
import pytest

from data_collection import Dataset, collect_rope, load_dataset, save_dataset
from data_collection.collection.rope import collect_rope_sequence
from data_collection.errors import DatasetError
from plan2vec_envs import ROPE_ID
from plan2vec_envs.errors import InvalidOptionError

from ...rope_scale import measure_scale


@pytest.fixture(scope="module")
def small():
    return collect_rope(3, 40, seed=7, progress=False)


def test_sequences_are_long_episodes_with_box_actions_and_nodes(small):
    assert (small.num_episodes, small.num_transitions, small.env_id) == (3, 120, ROPE_ID)
    assert small.observations.shape == (123, 1, 64, 64)
    assert (small.actions.shape, small.actions.dtype) == ((120, 3), np.float32)
    assert (small.oracle_position.shape, small.oracle_position.dtype) == ((123, 22, 2), np.float32)
    assert small.num_actions is None
    assert np.abs(small.actions).max() <= 1


def test_recorded_actions_replayed_in_the_environment_give_the_recorded_pictures():
    """From the recorded float32 nodes; each step is compared before the difference can grow."""
    data = collect_rope_sequence(0, 25, seed=3)
    env = gym.make(ROPE_ID, ordered=True).unwrapped
    for step in range(25):
        start, goal = data.oracle_position[step].astype(float), None
        env.reset(seed=step, options={"start": start, "goal": goal})
        seen, *_, info = env.step(data.actions[step])
        np.testing.assert_allclose(info["oracle_position"], data.oracle_position[step + 1], atol=1e-3)
        difference = np.abs(seen["observation"].astype(int) - data.observations[step + 1])
        assert difference.max() <= 8


def test_pictures_show_the_nodes(small):
    env = gym.make(ROPE_ID).unwrapped
    drawn = env.render_state(small.oracle_position[::10].astype(float))
    assert np.abs(drawn.astype(int) - small.observations[::10]).max() <= 8  # float32 nodes


def test_a_sequence_depends_on_seed_and_number_alone(small):
    fewer = collect_rope(2, 40, seed=7, progress=False)
    alone = collect_rope_sequence(1, 40, seed=7)
    for name in ("observations", "actions", "oracle_position"):
        expected = getattr(small.episode(1), name)
        np.testing.assert_array_equal(getattr(fewer.episode(1), name), expected)
        np.testing.assert_array_equal(getattr(alone, name), expected)


def test_sequences_and_seeds_differ(small):
    other = collect_rope_sequence(0, 40, seed=8)
    assert not np.array_equal(small.episode(0).actions, small.episode(1).actions)
    assert not np.array_equal(small.episode(0).actions, other.actions)
    assert not np.array_equal(small.episode(0).oracle_position[0], other.oracle_position[0])


def test_a_rope_without_order_moves_alike_and_looks_otherwise(small):
    plain = collect_rope_sequence(0, 40, seed=7, ordered=False)
    np.testing.assert_array_equal(plain.oracle_position, small.episode(0).oracle_position)
    assert not np.array_equal(plain.observations, small.episode(0).observations)
    assert plain.observations.mean() > small.episode(0).observations.mean()


def test_rope_datasets_are_stored_split_and_stripped_of_the_oracle(small, tmp_path):
    loaded = load_dataset(save_dataset(small, tmp_path / "rope.npz"), expect_env_id=ROPE_ID)
    assert loaded.fingerprint == small.fingerprint
    np.testing.assert_array_equal(loaded.oracle_position, small.oracle_position)
    part = loaded.take_episodes([2, 0])
    np.testing.assert_array_equal(part.oracle_position[:41], small.episode(2).oracle_position)
    assert small.without_oracle().oracle_position is None
    assert small.without_oracle().fingerprint == small.fingerprint
    both = Dataset.concatenate([small, part])
    assert both.oracle_position.shape == (205, 22, 2)


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 4, 3), (7, 0, 2), (7, 2, 2, 2)])
def test_oracle_positions_are_points_of_the_plane(shape):
    with pytest.raises(DatasetError, match=r"need \(N, 2\) float32, or \(N, K, 2\)"):
        Dataset(np.zeros((7, 1, 4, 4), np.uint8), None, np.array([6]), oracle_position=np.zeros(shape))


def test_a_nan_among_many_points_is_found_with_its_row():
    position = np.zeros((7, 5, 2))
    position[4, 3, 1] = np.nan
    with pytest.raises(DatasetError, match="oracle_position row 4 holds NaN"):
        Dataset(np.zeros((7, 1, 4, 4), np.uint8), None, np.array([6]), oracle_position=position)


@pytest.mark.parametrize("wrong", [{"sequences": 0}, {"steps": 0}, {"steps": 2.5}, {"seed": -1}, {"sequences": True}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidOptionError, match=f"{next(iter(wrong))}=.* must be a whole number"):
        collect_rope(**wrong)


@pytest.mark.slow
def test_the_whole_dataset_takes_less_than_a_minute_and_its_sequences_meet():
    before = time.process_time()
    data = collect_rope(progress=False)
    assert time.process_time() - before < 60
    assert 13_500 < data.num_observations < 14_500
    scale = measure_scale(data.oracle_position, data.episode_ids, rng=np.random.default_rng(0))
    print(scale)
    assert scale.pair >= 15
    assert scale.step[1] <= 3
    assert scale.closure[1] < 4
    assert scale.closure[2] < 4.5
