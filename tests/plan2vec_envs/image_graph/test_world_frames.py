"""Worlds of recorded frames, and the drawn rope."""

from __future__ import annotations

import time

import numpy as np
import pytest

from plan2vec_envs.errors import WorldError
from plan2vec_envs.image_graph import load_world, make_drawn_rope, save_world, world_of_frames
from plan2vec_envs.image_graph.drawn_rope import _shapes
from plan2vec_envs.image_graph.map import draw_map

FRAMES = np.random.default_rng(0).integers(0, 256, (9, 1, 8, 8), np.uint8)
LENGTHS = [3, 0, 1, 1]  # moves of frames 0-3, 4, 5-6, 7-8
MOVES = {(0, 1), (1, 2), (2, 3), (5, 6), (7, 8)}
BOTH = MOVES | {(b, a) for a, b in MOVES}


def world(edges=None, **options):
    return world_of_frames("frames", FRAMES, LENGTHS, None if edges is None else np.array(edges), **options)


def links(of):
    return {(int(a), int(b)): float(x) for (a, b), x in zip(of.links, of.lengths, strict=True)}


def test_links_are_the_moves_there_and_back_within_each_trajectory():
    assert links(world()) == dict.fromkeys(BOTH, 1.0)


def test_edges_lead_in_their_own_direction_and_do_not_change_what_was_recorded():
    made = world([(0, 7), (4, 5), (0, 7), (1, 0)], move_lengths=[1, 1, 0.5, 1, 1])
    moves = dict.fromkeys(BOTH, 1.0) | {(2, 3): 0.5, (3, 2): 0.5}
    assert links(made) == moves | {(0, 7): 1.0, (4, 5): 1.0}
    assert (made.about["recorded_moves"], made.about["found_links"]) == (5, 2)


def test_no_edges_are_as_good_as_none():
    assert world(np.zeros((0, 2), int)).fingerprint == world([]).fingerprint == world().fingerprint


def test_places_are_called_by_trajectory_and_frame_and_have_no_compass():
    made = world()
    assert made.place_ids.tolist() == ["0/0", "0/1", "0/2", "0/3", "1/0", "2/0", "2/1", "3/0", "3/1"]
    assert np.isnan(made.headings).all()


def test_without_positions_each_trajectory_is_a_line_from_left_to_right():
    made = world()
    assert made.about["positions"] == "layout"
    np.testing.assert_array_equal(made.oracle_position[:, 0], [0, 1, 2, 3, 0, 0, 1, 0, 1])
    np.testing.assert_array_equal(made.oracle_position[:, 1], [0, 0, 0, 0, -1, -2, -2, -3, -3])
    assert draw_map(made, [0, 1], 8).shape == (512, 512, 3)
    spot = np.random.default_rng(0).normal(size=(9, 2))
    known = world(oracle_position=spot)
    assert known.about["positions"] == "recorded"
    np.testing.assert_array_equal(known.oracle_position, spot)


def test_the_layout_of_few_long_trajectories_is_about_square():
    frames = np.zeros((1000, 1, 2, 2), np.uint8)
    width, height = np.ptp(world_of_frames("long", frames, [199] * 5).oracle_position, axis=0)
    assert 0.5 < height / width < 2


def test_a_world_of_frames_survives_its_file(tmp_path):
    made = world([(0, 7)], about={"licence": "mine"})
    again = load_world(save_world(made, tmp_path / "frames.npz"))
    assert again.fingerprint == made.fingerprint
    assert again.about == made.about
    assert again.about["licence"] == "mine"
    path = tmp_path / "frames.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(OSError, match="truncated or damaged"):
        load_world(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edges": [(0, 9)]}, r"edge 0 of world 'frames' leads from 0 to 9; need two different rows of 0 to 8"),
        ({"edges": [(0, 4), (3, 3)]}, r"edge 1 .* from 3 to 3"),
        ({"edges": [(0, 4), (-1, 3)]}, r"edge 1 .* from -1 to 3"),
        ({"edges": [(0.0, 4.0)]}, r"dtype float64; need \(E, 2\) integers"),
        ({"edges": [0, 4]}, r"shape \(2,\)"),
        ({"move_lengths": [1, 1, np.nan, 1, 1]}, r"move_lengths .* hold nan in row 2; need finite numbers above 0"),
        ({"move_lengths": [1, 1]}, r"move_lengths .* need \(5,\)"),
        ({"oracle_position": np.full((9, 2), np.nan)}, "need finite numbers"),
    ],
)
def test_what_makes_no_world_is_named(options, message):
    with pytest.raises(WorldError, match=message):
        world(**options)


@pytest.mark.parametrize("lengths", [[3, 0, 1], [8, -1, 0], [8.0], [[8]], []])
def test_lengths_must_stand_for_the_frames(lengths):
    with pytest.raises(WorldError, match=r"there are 9; need \(K,\) numbers of moves"):
        world_of_frames("frames", FRAMES, np.array(lengths))


def test_frames_must_be_pictures():
    with pytest.raises(WorldError, match="views of world 'frames' have shape"):
        world_of_frames("frames", FRAMES.astype(np.float32), LENGTHS)


def test_the_drawn_rope_is_always_the_same_and_made_at_once():
    began = time.perf_counter()
    first, again = make_drawn_rope(), make_drawn_rope()
    assert time.perf_counter() - began < 2  # .05 s on an idle machine
    assert first.fingerprint == again.fingerprint


def test_every_picture_of_the_drawn_rope_is_another_and_reaches_every_other():
    made = make_drawn_rope()
    assert made.num_places == 120
    assert made.views.shape == (120, 1, 64, 64)
    assert len(np.unique(made.views.reshape(120, -1), axis=0)) == 120
    assert made.components().max() == 0


def test_the_drawn_rope_never_leaves_the_picture():
    views = make_drawn_rope().views[:, 0]
    edge = np.concatenate([views[:, 0], views[:, -1], views[:, :, 0], views[:, :, -1]], 1)
    assert not edge.any()
    assert views.max() == 255


def test_a_drawn_rope_moves_a_little_at_each_step_and_keeps_its_length():
    made = make_drawn_rope()
    angles = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    pieces = np.linalg.norm(np.diff(_shapes(angles), axis=1), axis=2)
    np.testing.assert_allclose(pieces.sum(1), 38)
    moves = made.links[made.links[:, 1] == made.links[:, 0] + 1]
    steps = np.linalg.norm(made.oracle_position[moves[:, 1]] - made.oracle_position[moves[:, 0]], axis=1)
    assert 0.2 < steps.min() < steps.max() < 2.5  # pixels, of the mean of the nodes


def test_links_between_trajectories_of_the_drawn_rope_join_like_pictures():
    made = make_drawn_rope()
    across = made.links[made.links[:, 0] // 20 != made.links[:, 1] // 20]
    assert len(across) == made.about["found_links"] > 100
    assert {(b, a) for a, b in across.tolist()} == {(a, b) for a, b in across.tolist()}
    apart = np.linalg.norm(made.oracle_position[across[:, 0]] - made.oracle_position[across[:, 1]], axis=1)
    assert apart.max() < 2
