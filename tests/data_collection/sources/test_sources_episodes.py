"""Trajectories from memory: pairs, dicts and episodes."""

from __future__ import annotations

import numpy as np
import pytest

from data_collection import Dataset, Episode
from data_collection.sources import read_episodes
from plan2vec_envs.errors import InvalidOptionError, SourceError

STATES = np.arange(8, dtype=np.float32).reshape(4, 2)


def test_pairs_dicts_lists_and_episodes_are_the_same_thing(capsys):
    actions = np.array([2, 0, 1])
    ways = [
        Episode(STATES, actions),
        (STATES, actions),
        (STATES.tolist(), [2, 0, 1]),
        {"observations": STATES, "actions": actions},
        {"observations": [{"x": row} for row in STATES], "actions": actions},
        {"observations": {"x": STATES}, "actions": actions},
        {"observations": STATES[:3], "actions": actions, "next_observations": STATES[1:]},
    ]
    datasets = [Dataset.from_episodes([way], report=None) for way in ways]
    assert len({dataset.fingerprint for dataset in datasets}) == 1
    assert Dataset.from_episodes(iter(ways), report=None).num_episodes == len(ways)
    assert capsys.readouterr().out == ""


def test_what_was_mended_is_told(capsys):
    dataset = Dataset.from_episodes([(STATES.astype(float), np.arange(4)), (STATES[:1], []), ([], [])], env_id="A-v0")
    assert capsys.readouterr().out == (
        "episodes: dropped 1 empty trajectory, 1 trajectory of one frame, 1 last action that leads nowhere; "
        "observations float64 to float32\n"
    )
    assert (dataset.num_actions, dataset.env_id) == (3, "A-v0")
    said = []
    Dataset.from_episodes([(STATES, np.arange(4))], num_actions=7, report=said.append)
    assert said == ["episodes: dropped 1 last action that leads nowhere"]


def test_pairs_may_have_no_actions():
    assert Dataset.from_episodes([(STATES, None)]).actions is None


def test_an_episode_keeps_its_positions_and_lengths_through_options():
    episode = Episode(STATES[[0, 1, 1, 2]], np.arange(3), STATES[:, :2], np.float32([1, 2, 3]))
    dataset = Dataset.from_episodes([episode], drop_pauses=True, report=None)
    assert dataset.step_lengths.tolist() == [1, 3]
    assert dataset.oracle_position.tolist() == STATES[[0, 2, 3]].tolist()


def test_next_observations_that_do_not_follow_break_a_trajectory():
    episode = {"observations": STATES, "next_observations": STATES + np.float32([2, 2]), "actions": np.arange(4)}
    episode["next_observations"][1] = 99
    dataset, repairs = read_episodes([episode])
    assert dataset.observations[:, 0].tolist() == [0, 2, 99, 4, 6, 8]
    assert str(repairs) == "cut at 1 jump"


def test_what_is_not_read_is_said_and_ground_truth_is_read_on_request_only():
    episode = {"observations": STATES, "rewards": [0, 0, 0], "place": STATES[:, :2], "info": {}}
    dataset, repairs = read_episodes([episode])
    assert dataset.oracle_position is None
    assert str(repairs) == "left out info, place, rewards"
    assert read_episodes([episode], oracle="place")[0].oracle_position.tolist() == STATES.tolist()


def test_pictures_of_any_dtype_become_bytes_only_without_loss():
    frames = np.arange(2 * 4 * 5).reshape(2, 4, 5)
    dataset, repairs = read_episodes([(frames, None)])
    assert dataset.observation_shape == (1, 4, 5)
    assert str(repairs) == "pictures int64 to uint8; grey pictures (H, W) to (1, H, W)"
    assert read_episodes([(frames.astype(float), None)])[0].fingerprint == dataset.fingerprint
    for bad in (frames / 255, frames + 250, frames - 1, frames + 0.5, np.where(frames == 3, np.nan, frames)):
        with pytest.raises(SourceError, match=r"episode 0: pictures of dtype .*need whole numbers 0 to 255"):
            read_episodes([(bad, None)])


def test_numbers_alone_are_vectors_of_one():
    dataset, repairs = read_episodes([(np.arange(3), np.float32([0.5, 1.5]))])
    assert dataset.observation_shape == (1,)
    assert dataset.actions.shape == (2, 1)
    assert "observations (N,) as vectors of one number; observations int64 to float32" in str(repairs)


@pytest.mark.parametrize(
    ("episodes", "message"),
    [
        ([STATES], r"episode 0 is a ndarray; need an Episode, a pair"),
        ([(STATES, None), "rope"], r"episode 1 is a str"),
        ([{"observation": STATES}], r"episode 0 has no 'observations'\. Did you mean 'observation'"),
        ([(STATES, np.zeros(5))], r"episode 0: 5 actions for 4 observations; need 3, .* or 4"),
        ([(STATES, np.zeros(2))], r"episode 0: 2 actions for 4 observations"),
        ([(STATES, 3)], r"actions are 3; need an array"),
        ([(STATES, [[1], [1, 2], [3]])], r"actions are no array"),
        ([([[1.0], [1.0, 2.0]], None)], r"episode 0 is no array: its rows differ in shape"),
        ([(STATES, None), (STATES[:, :1], None)], r"episode 1: observations of shape \(1,\).*episode 0 has .*\(2,\)"),
        (
            [(STATES, None), (STATES, [0, 0, 0])],
            r"episode 1: actions of shape \(\) .*; episode 0 has none",
        ),
        ([({"a": STATES, "b": STATES}, None)], r"dict of a \(2,\), b \(2,\); say which"),
        ([([{"a": 1.0}, {"b": 1.0}], None)], r"step 1 has the entries \['b'\], step 0 \['a'\]"),
        ([(np.where(STATES == 3, np.nan, STATES), None)], r"episode 0, row 1: \[2\.0, nan\]; need finite"),
        ([], r"no trajectory of two observations or more, of 0"),
    ],
)
def test_what_is_no_trajectory_is_named_by_its_number(episodes, message):
    with pytest.raises(SourceError, match=message):
        read_episodes(episodes)


def test_options_that_there_are_not_are_refused():
    with pytest.raises(InvalidOptionError, match="from_episodes has no option 'size'; it has oracle, keys, layout"):
        Dataset.from_episodes([(STATES, None)], size=3)
