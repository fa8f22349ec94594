from __future__ import annotations

import numpy as np
import pytest

from data_collection import Dataset, DatasetError, EmptyDatasetError, Episode

FRAMES = np.zeros((7, 1, 4, 4), np.uint8)  # N = 7 rows: two episodes of 3 and 2 transitions
ACTIONS = np.array([0, 1, 2, 3, 4])
LENGTHS = np.array([3, 2])


def build(**changes):
    return Dataset(**{"observations": FRAMES, "actions": ACTIONS, "episode_lengths": LENGTHS} | changes)


def test_rows_are_derived_as_the_drawing_says():
    data = build()
    assert data.transitions.tolist() == [[0, 1], [1, 2], [2, 3], [4, 5], [5, 6]]
    assert data.episode_ids.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert data.episode_starts.tolist() == [0, 4]
    assert (data.num_episodes, data.num_transitions, data.num_observations) == (2, 5, 7)
    assert data.observation_shape == (1, 4, 4)


@pytest.mark.parametrize("image", [True, False])
@pytest.mark.parametrize("actions", ["discrete", "continuous", None])
@pytest.mark.parametrize("oracle", [True, False])
def test_episodes_come_back_as_they_went_in(make_episodes, image, actions, oracle):
    episodes = make_episodes(image=image, actions=actions, oracle=oracle)
    data = Dataset.from_episodes(episodes)
    assert data.is_image == image
    for given, back in zip(episodes, data.episodes(), strict=True):
        assert len(given) == len(back)
        for name in ("observations", "actions", "oracle_position"):
            np.testing.assert_equal(getattr(back, name), getattr(given, name))


def test_actions_lie_between_the_rows_of_their_transitions(make_episodes):
    """Actions of an episode are rows of a table indexed by `transitions`, whatever the lengths."""
    episodes = make_episodes()
    data = Dataset.from_episodes(episodes)
    played = [(e.observations[t], e.actions[t], e.observations[t + 1]) for e in episodes for t in range(len(e))]
    for (v, w), action, (before, move, after) in zip(data.transitions, data.actions, played, strict=True):
        assert np.array_equal(data.observations[v], before)
        assert np.array_equal(data.observations[w], after)
        assert action == move


@pytest.mark.parametrize("field", ["observations", "actions", "episode_lengths", "transitions", "episode_ids"])
def test_arrays_cannot_be_written(dataset, field):
    with pytest.raises(ValueError, match="read-only"):
        getattr(dataset, field)[0] = 0


def test_a_record_neither_copies_nor_locks_the_arrays_of_its_maker():
    frames = FRAMES.copy()
    data = build(observations=frames)
    assert np.shares_memory(data.observations, frames)
    assert frames.flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"observations": FRAMES[:-1]}, "2 episodes of 5 transitions need 7 observations, got 6"),
        ({"observations": FRAMES.astype(np.float32)}, r"shape \(7, 1, 4, 4\) and dtype float32; need images"),
        ({"observations": FRAMES[:, 0]}, r"shape \(7, 4, 4\)"),
        ({"observations": FRAMES[..., :0]}, "none of these sizes zero"),
        ({"observations": np.zeros((7, 2), np.int64)}, "dtype int64"),
        ({"observations": np.full((7, 2), np.nan)}, "observations row 0 holds NaN or infinity"),
        ({"observations": np.full((7, 2), 1e300)}, "observations row 0 holds NaN or infinity"),
        ({"actions": ACTIONS[:-1]}, "actions has 4 rows; need 5"),
        ({"actions": ACTIONS - 1}, "run from -1 to 3"),
        ({"actions": ACTIONS, "num_actions": 4}, "run from 0 to 4; need 0 to 3"),
        ({"actions": ACTIONS.astype(np.float32)}, r"shape \(5,\) and dtype float32; need discrete"),
        ({"actions": np.full((5, 2), np.inf)}, "actions row 0 holds NaN or infinity"),
        ({"actions": np.zeros((5, 2)), "num_actions": 4}, "num_actions=4 belongs to discrete actions"),
        ({"actions": None, "num_actions": 4}, "num_actions=4 was given, but the dataset has no actions"),
        ({"episode_lengths": np.array([3.0, 2.0])}, "dtype float64; need .K,. int64"),
        ({"oracle_position": np.zeros((6, 2))}, "oracle_position has 6 rows; need 7"),
        ({"oracle_position": np.zeros((7, 3))}, r"need \(N, 2\) float32"),
    ],
)
def test_a_malformed_dataset_is_refused(changes, message):
    with pytest.raises(DatasetError, match=message):
        build(**changes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dataset.from_episodes([]),
        lambda: Dataset.concatenate([]),
        lambda: build(observations=FRAMES[:0], episode_lengths=LENGTHS[:0], actions=ACTIONS[:0]),
        lambda: build(observations=FRAMES[:6], episode_lengths=np.array([5, 0]), actions=ACTIONS),
        lambda: build().take_episodes([]),
        lambda: Episode(FRAMES[:1], ACTIONS[:0]),
    ],
)
def test_nothing_is_not_a_dataset(make):
    with pytest.raises(EmptyDatasetError, match="need at least"):
        make()


def test_an_episode_without_its_last_observation_is_told_to_keep_it():
    with pytest.raises(DatasetError, match="5 actions need 6 observations, got 5; keep the observation"):
        Episode(FRAMES[:5], ACTIONS)


def test_a_nan_deep_in_a_long_array_is_found_with_its_row():
    observations = np.zeros((200_001, 2), np.float32)
    observations[150_000, 1] = np.nan
    with pytest.raises(DatasetError, match="row 150000 "):
        build(observations=observations, actions=None, episode_lengths=np.array([200_000]))


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"image": False}, "differ in the shape or dtype of observations"),
        ({"actions": None}, "only 4 of 8 episodes have actions"),
        ({"actions": "continuous"}, "differ in the shape or dtype of actions"),
        ({"oracle": False}, "only 4 of 8 episodes have oracle_position"),
    ],
)
def test_episodes_of_different_kinds_do_not_mix(make_episodes, odd, message):
    with pytest.raises(DatasetError, match=message):
        Dataset.from_episodes(make_episodes() + make_episodes(**odd))


def test_the_number_of_actions_is_the_largest_plus_one_unless_given():
    assert build().num_actions == 5
    assert build(num_actions=8).num_actions == 8


def test_narrower_integers_and_wider_floats_are_accepted():
    data = build(
        observations=np.zeros((7, 3), np.float64), actions=ACTIONS.astype(np.uint8), oracle_position=np.zeros((7, 2))
    )
    assert (data.observations.dtype, data.actions.dtype) == (np.float32, np.int64)
    assert data.oracle_position.dtype == np.float32


def test_concatenating_datasets_is_concatenating_their_episodes(make_episodes, same_data):
    first, second = make_episodes((2, 4)), make_episodes((1, 3))
    parts = [Dataset.from_episodes(part, env_id="Toy-v0", num_actions=8) for part in (first, second)]
    whole = Dataset.from_episodes(first + second, env_id="Toy-v0", num_actions=8)
    assert same_data(Dataset.concatenate(parts), whole)


def test_datasets_of_different_environments_do_not_concatenate(dataset, make_episodes):
    other = Dataset.from_episodes(make_episodes(), env_id="Other-v0", num_actions=8)
    with pytest.raises(DatasetError, match="differ in env id"):
        Dataset.concatenate([dataset, other])


class TestFingerprint:
    def test_it_is_the_same_for_the_same_contents(self, make_episodes):
        episodes = make_episodes()
        assert Dataset.from_episodes(episodes).fingerprint == Dataset.from_episodes(episodes).fingerprint

    @pytest.mark.parametrize(
        "changes",
        [
            {"observations": FRAMES + 1},
            {"observations": FRAMES.reshape(7, 1, 2, 8)},
            {"actions": ACTIONS[::-1]},
            {"actions": None},
            {"episode_lengths": LENGTHS[::-1]},
            {"env_id": "Toy-v0"},
        ],
    )
    def test_it_changes_with_anything_that_can_be_learned_from(self, changes):
        assert build(**changes).fingerprint != build().fingerprint

    def test_it_does_not_depend_on_ground_truth(self, dataset):
        assert dataset.without_oracle().fingerprint == dataset.fingerprint

    def test_it_does_not_depend_on_the_layout_in_memory(self):
        assert build(actions=np.repeat(ACTIONS, 2)[::2]).fingerprint == build().fingerprint


class Poison(np.ndarray):
    """An array that may be carried around, but not read."""

    def __array_finalize__(self, parent):
        if parent is not None:
            raise AssertionError("ground truth was read")

    def __array_ufunc__(self, *args, **kwargs):
        raise AssertionError("ground truth was read")

    def __array_function__(self, *args, **kwargs):
        raise AssertionError("ground truth was read")

    def __getitem__(self, key):
        raise AssertionError("ground truth was read")


class TestWithoutOracle:
    def test_ground_truth_is_gone_and_the_rest_is_shared(self, dataset):
        blind = dataset.without_oracle()
        assert blind.oracle_position is None
        assert np.shares_memory(blind.observations, dataset.observations)
        assert np.shares_memory(blind.actions, dataset.actions)

    def test_poisoned_ground_truth_is_not_touched(self, dataset, rng):
        object.__setattr__(dataset, "oracle_position", Poison((dataset.num_observations, 2)))
        with pytest.raises(AssertionError, match="ground truth was read"):
            dataset.episode(0)
        blind = dataset.without_oracle()
        blind.sample_pairs(8, rng=rng)
        blind.split(0, num_folds=2)
        assert [episode.oracle_position for episode in blind.episodes()] == [None] * 4
        assert len(blind.fingerprint) == 64


class TestTakeEpisodes:
    def test_chosen_episodes_come_in_the_order_asked_for(self, dataset):
        taken = dataset.take_episodes([2, 0, 2])
        for got, index in zip(taken.episodes(), [2, 0, 2], strict=True):
            for name in ("observations", "actions", "oracle_position"):
                np.testing.assert_array_equal(getattr(got, name), getattr(dataset.episode(index), name))

    def test_the_action_set_stays_whole(self, dataset):
        """A subset that misses the largest action still has eight of them."""
        assert dataset.take_episodes([1]).num_actions == 8

    @pytest.mark.parametrize("ids", [[4], [-1], [0.0], [[0]]])
    def test_an_impossible_id_is_refused(self, dataset, ids):
        with pytest.raises(DatasetError, match="episode ids"):
            dataset.take_episodes(ids)

    @pytest.mark.parametrize("index", [-1, 4])
    def test_an_episode_that_does_not_exist_is_refused(self, dataset, index):
        with pytest.raises(DatasetError, match="this dataset has 0 to 3"):
            dataset.episode(index)


def test_the_representation_tells_the_sizes(dataset):
    text = repr(dataset)
    assert "Toy-v0: 4 episodes, 11 transitions, 8 actions, 15 observations (1, 4, 5) uint8" in text
