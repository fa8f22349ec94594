"""The corridor number and the faults of edges, with metrics whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.figures.edges import edge_kinds
from evaluation.figures.flat_map import corridor_pairs, corridor_ratio
from evaluation.figures.latents import upright
from evaluation.protocols.worlds import room_of

from ..conftest import CMAZE, LineAgent, SeeingAgent


def test_an_isometric_embedding_has_the_true_corridor_ratio():
    found = corridor_ratio(SeeingAgent(CMAZE))
    assert found.learned == pytest.approx(found.geodesic, rel=1e-3)
    assert 4 < found.geodesic < 5


def test_an_embedding_of_bare_positions_has_ratio_one():
    assert corridor_ratio(LineAgent(CMAZE)).learned == pytest.approx(1, rel=1e-3)


def test_corridor_pairs_are_equally_near_and_only_those_across_are_blocked():
    room = room_of(CMAZE)
    across, free = corridor_pairs(room)
    for pairs in (across, free):
        assert np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1) == pytest.approx(0.19)
        assert room.is_free(pairs.reshape(-1, 2)).all()
    assert room.segment_is_blocked(across[:, 0], across[:, 1]).all()
    assert not room.segment_is_blocked(free[:, 0], free[:, 1]).any()


def test_only_found_edges_that_are_truly_long_are_wormholes():
    """From (-.2, .1): one step east, across the wall, four steps east recorded, four steps east found, bridged."""
    position = np.array([(-0.2, 0.1), (-0.175, 0.1), (-0.2, -0.1), (-0.1, 0.1), (-0.1, 0.101), (-0.1, 0.102)])
    agent = SimpleNamespace(
        vertex_rows=np.arange(6),
        graph=SimpleNamespace(
            indptr=np.array([0, 5, 5, 5, 5, 5, 5]),
            indices=np.array([1, 2, 3, 4, 5]),
            inferred=np.array([True, True, False, True, True]),
            bridge=np.array([False, False, False, False, True]),
        ),
    )
    ends, kinds = edge_kinds(agent, SimpleNamespace(env_id=CMAZE, oracle_position=position))
    assert ends.tolist() == [[position[0].tolist(), position[to].tolist()] for to in (1, 2, 3, 4, 5)]
    assert {kind: np.flatnonzero(mask).tolist() for kind, mask in kinds.items()} == {
        "recorded": [2],
        "found": [0],
        "bridge": [4],
        "wormhole": [1, 3],
    }


def test_a_map_is_turned_upright_without_being_stretched(rng):
    position = rng.normal(size=(50, 2))
    turn = np.array([[0, -1], [-1, 0]])  # a mirror and a quarter turn
    latents = (position - position.mean(0)) @ turn
    assert upright(latents, position) == pytest.approx(position - position.mean(0))
