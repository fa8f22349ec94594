"""Options for awkward recordings are recommended where a recording shows what they are for, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from agents import recommend
from agents.control.controls import ForwardControl
from agents.plan2vec.presets import STATES, VECTORS
from data_collection import Dataset, make_dataset
from evaluation.paper.protocols.awkward_worlds import WalledRoom, corridor, hovering


@pytest.fixture(scope="module")
def walks():
    return corridor(episodes=200, steps=60, seed=5)


def test_a_recording_with_nothing_awkward_gets_the_preset_as_it_is(walks):
    assert recommend(walks).config == VECTORS
    assert recommend(walks) == recommend(walks, remedies=False)


@pytest.mark.parametrize("room", ["CMaze", "FourRooms"])
def test_walls_that_were_touched_need_no_remedy(room):
    states = make_dataset(f"Plan2vec/{room}-v0", size="200x60", seed=3, obs_type="state", progress=False)
    assert recommend(states).config == VECTORS


def test_frames_that_repeat_with_noise_are_taken_for_pauses(walks):
    found = recommend(hovering(walks, times=4, noise=0.02))
    assert found.config.local_metric.pauses == 0.25
    assert "hardly move" in found.why
    assert recommend(hovering(walks, times=4, noise=0.02), remedies=False).config == VECTORS


def test_frames_that_repeat_exactly_are_no_pauses(walks):
    assert recommend(hovering(walks, times=4, noise=0.0)).config.local_metric.pauses == 0


def test_steps_of_many_typical_ones_are_taken_for_jumps():
    found = recommend(corridor(episodes=400, steps=10, seed=5, gate=0.5))
    assert found.config.graph.jumps == 5.0
    assert STATES.graph.jumps == 0
    assert "max_jump" in found.why, "they may be resets"


def test_a_wall_that_nobody_touched_is_found_by_the_moves_that_are_missing_across_it():
    found = recommend(WalledRoom().recorded(episodes=400, steps=60, seed=5))
    assert isinstance(found.config.control, ForwardControl)
    assert found.config.control.lookahead.support == 30.0
    assert "nobody crossed or touched" in found.why


def test_a_recording_that_goes_one_way_has_no_walls(rng):
    """A ring that is only ever walked clockwise: moves back are missing everywhere, and are no evidence."""
    angles = rng.uniform(0, 2 * np.pi, 200)[:, None] + np.arange(61) * 0.2
    places = np.stack([5 * np.cos(angles), 5 * np.sin(angles)], -1) + rng.normal(0, 0.1, (200, 61, 2))
    data = Dataset(places.reshape(-1, 2), np.diff(places, axis=1).reshape(-1, 2), np.full(200, 60))
    assert recommend(data).config == VECTORS


def test_without_actions_the_sentence_says_so():
    walks = corridor(episodes=40, steps=10)
    silent = Dataset(walks.observations, None, walks.episode_lengths)
    assert "there are no actions" in recommend(silent).why
    assert "there are no actions" not in recommend(walks).why
