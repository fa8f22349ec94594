"""Awkward recordings: each world breaks what takes time for distance, or a lucky outcome for a move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import Plan2VecWaypoints
from agents.base.distance_agent import fit_local
from agents.base.graph_agent import fit_graph
from agents.control.forward_model import ForwardModel, ForwardModelConfig
from agents.errors import ConfigError
from agents.graphs.building import GraphConfig, Spread, WholeEpisodes
from agents.graphs.graph import Graph
from agents.graphs.shortest_paths import distances_from
from agents.graphs.sptm import SPTMGraphConfig
from agents.graphs.teleports import expected_edge_costs
from agents.graphs.transitions import crosses, jump_steps, moving_transitions, typical_step
from agents.metrics.local import LocalMetric, LocalMetricConfig
from agents.plan2vec.presets import VECTORS
from agents.training.loop import Training
from agents.training.workdir import Workdir
from data_collection import Dataset, Episode
from evaluation.paper.protocols.awkward_worlds import LONG, corridor, hovering

MOVE = 0.7  # of the corridor, on average
IDENTITY = LocalMetricConfig(trunk="identity", members=1)


def training(seed=0):
    return Training(seed, Workdir(None), torch.device("cpu"), progress=False)


def metric(data, **options):
    return LocalMetric.fit(replace(IDENTITY, **options), data, data, training())[0]


class Surveyor(Plan2VecWaypoints):
    """As far as the graph."""

    def _fit(self, run):
        self.local_metric = fit_local(run, self.config.local_metric)
        self.frame_graph = fit_graph(run, self.config.graph, self.local_metric, 1)


def fitted(data, **options):
    """An agent that has a graph, without actions."""
    graph = GraphConfig(**{"max_vertices": 120, "vertices": Spread(), **options})
    data = Dataset(data.observations, None, data.episode_lengths)
    return Surveyor(replace(VECTORS, graph=graph)).fit(data, progress=False)


def way(agent, start, end):
    """Steps on the graph between the vertices nearest to two places."""
    a, b = (np.linalg.norm(vertices_of(agent) - place, axis=1).argmin() for place in (start, end))
    return float(distances_from(agent.graph, np.array([a]))[0, b])


def vertices_of(agent):
    return agent.local_latents / agent.local_metric.scale


# Pauses


def test_the_typical_step_is_that_which_covers_the_way(rng):
    moves, pauses, jumps = rng.uniform(0.9, 1.1, 100), rng.uniform(0, 0.01, 900), np.full(2, 30.0)
    assert typical_step(np.concatenate([moves, pauses])) == pytest.approx(1, abs=0.1)
    assert typical_step(np.concatenate([moves, pauses, jumps])) == pytest.approx(1, abs=0.1)
    assert typical_step(np.zeros(5)) == typical_step(np.zeros(0)) == 0


def test_whoever_hovers_does_not_walk_a_step_a_frame():
    walks = corridor(episodes=20)
    waits = hovering(walks, times=9, noise=0.01)
    apart = np.array([[0, 0.5]], np.float32), np.array([[14, 0.5]], np.float32)
    wanted = metric(walks).distance(*apart)
    assert wanted == pytest.approx(14 / MOVE, rel=0.25)  # less at the ends of the corridor
    assert metric(waits).distance(*apart) > 5 * wanted  # a frame for a step
    assert metric(waits, pauses=0.25).distance(*apart) == pytest.approx(wanted, rel=0.2)


def test_frames_that_were_recorded_several_times_are_no_steps():
    walks = corridor(episodes=20)
    repeated = hovering(walks, times=4, noise=0.0)
    steps = np.diff(metric(repeated).embed(repeated.observations)[repeated.transitions], axis=1)
    a_frame = np.linalg.norm(steps, axis=2).mean()
    assert a_frame < 0.25  # so far leads a recorded frame on the average, and so small a step is one if time is asked
    assert metric(repeated).scale == pytest.approx(metric(walks).scale, rel=1e-3)


def test_repeated_frames_lengthen_ways_only_where_time_is_counted():
    walks = corridor(episodes=20)
    first, last = 0, 30
    moves = int(np.diff(walks.observations[: last + 1], axis=0).any(1).sum())
    repeated = hovering(walks, times=4, noise=0.0)
    rows = np.arange(5 * (last + 1) - 1)
    graph = GraphConfig(bridge=False).build(repeated, rows, repeated.observations[rows] / np.float32(MOVE), 1e-4)
    found = distances_from(graph, np.array([first]))[0, rows[-1]]
    assert rows[-1] > 4 * moves  # in time
    assert found == pytest.approx(moves, abs=1)


@pytest.mark.parametrize("reach", [1, 2])
def test_neighbours_are_pairs_that_neither_pause_nor_jump(reach):
    places = np.cumsum([0, 1, 1, 0.01, 1, 4, 1, 1])[:, None].astype(np.float32)
    walks = Dataset.from_episodes([(places, None), (places[:3], None)], report=None)
    found = moving_transitions(walks, reach, pauses=0.25, jumps=3)
    wanted = [(0, 1), (1, 2), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10)]
    wanted += [(0, 2), (1, 3), (2, 4), (5, 7), (8, 10)] if reach == 2 else []
    assert sorted(map(tuple, found.tolist())) == sorted(wanted)


def test_without_pauses_and_jumps_neighbours_are_frames_that_differ():
    walks = corridor(episodes=5)
    np.testing.assert_array_equal(moving_transitions(walks), moving_transitions(walks, pauses=1e-9))


@pytest.mark.parametrize("options", [{"pauses": -1}, {"jumps": -2}, {"jumps": 0.5}, {"pauses": 3, "jumps": 2}])
def test_pauses_and_jumps_that_cannot_be_are_refused(options):
    with pytest.raises(ConfigError, match=r"typical"):
        metric(corridor(episodes=4), **options)


# Blocked moves


def test_what_is_blocked_is_learned_only_if_pauses_are_kept(rng):
    episodes = []
    for _ in range(60):
        places, actions = [np.array([rng.uniform(0, 4)], np.float32)], rng.uniform(-1, 1, (20, 1)).astype(np.float32)
        for action in actions:
            onward = places[-1] + action
            places.append(onward if 0 <= onward[0] <= 4 else places[-1])
        episodes.append((np.stack(places), actions))
    imagined = {}
    for drop in (False, True):
        walks = Dataset.from_episodes(episodes, drop_pauses=drop, report=None)
        model, _ = ForwardModel.fit(
            ForwardModelConfig(steps=400, hidden=32),
            walks.observations,
            walks,
            np.zeros(len(walks.transitions), bool),
            training(),
        )
        at, push = (np.full((1, 1), value, np.float32) for value in (3.8, 1.0))
        imagined[drop] = float(model.displacement(*map(model.candidates.new_tensor, (at, push)))[0, 0].detach())
    assert imagined[True] > 0.4  # through the wall
    assert abs(imagined[False]) < 0.25


# Time-outs and resets


def flat(walks, timeouts):
    """Flat arrays as of D4RL; `timeouts` says whether its recorder marked them."""
    ends = np.zeros(len(walks.observations), bool)
    ends[walks.episode_starts + walks.episode_lengths] = True
    last = np.zeros_like(ends)
    last[-1] = True
    return {"observations": walks.observations, "terminals": last, **({"timeouts": ends} if timeouts else {})}


def test_a_timeout_is_no_way_to_where_the_next_trajectory_starts(tmp_path):
    ways = {}
    for timeouts in (False, True):
        np.savez(tmp_path / "walks.npz", **flat(corridor(episodes=20), timeouts))
        data = Dataset.from_npz(tmp_path / "walks.npz", report=None)
        data = Dataset.concatenate([data, data])  # a single trajectory cannot be learned from
        agent = fitted(data, max_vertices=1500, vertices=WholeEpisodes(), threshold=1.2)
        ways[timeouts] = way(agent, (0.5, 0.5), (LONG - 0.5, 0.5))
    assert ways[False] < 15
    assert ways[True] > 20  # 19 / 0.7 are 27; every third step or so is a long one


@pytest.mark.parametrize("cut", ["max_jump", "next_observations"])
def test_a_reset_that_nothing_marks_is_no_way(cut):
    walks = corridor(episodes=20)
    together = np.concatenate([episode.observations for episode in walks.episodes()])
    naive, mended = {"observations": together}, {"observations": together}
    options = {"max_jump": 3.0} if cut == "max_jump" else {}
    if cut == "next_observations":
        starts = walks.episode_starts
        kept = np.setdiff1d(np.arange(len(together)), starts + walks.episode_lengths)
        mended = {"observations": together[kept], "next_observations": together[kept + 1]}
    found = []
    for episode, used in ((naive, {}), (mended, options)):
        data = Dataset.from_episodes([episode, episode], report=None, **used)
        agent = fitted(data, max_vertices=1500, vertices=WholeEpisodes(), threshold=1.2)
        found.append(way(agent, (0.5, 0.5), (LONG - 0.5, 0.5)))
    assert found[0] < 15
    assert found[1] > 20


# Jumps


def test_a_teleporter_is_not_expected_to_lead_where_one_wants():
    gate = corridor(episodes=40, gate=0.5)
    options = {"max_vertices": 1300, "vertices": WholeEpisodes(), "threshold": 1.2, "recorded_weight": "one"}
    naive, careful = fitted(gate, **options), fitted(gate, jumps=5.0, **options)
    start, end = (9, 0.5), (LONG - 0.2, 0.5)
    assert way(naive, start, end) < 4  # the best outcome, a step away
    # From the gate E = 1 + (0 + E + 10 / 0.7) / 2, that is 16 steps, and about as many by walking on after no jump.
    assert 8 < way(careful, start, end) < 20
    assert (
        careful.fit_log[1].figures["jumps"] == (np.abs(np.diff(gate.observations[gate.transitions], axis=1)) > 5).sum()
    )


@pytest.mark.parametrize("late", [False, True])
def test_nobody_walks_through_a_teleporter_even_if_its_jumps_are_dropped(late):
    gate = corridor(episodes=100, gate=1.0, late=late)
    # Recorded edges as long as they are: a jump saves nothing, yet the gate can be walked through.
    naive, careful = (fitted(gate, jumps=jumps) for jumps in (0, 5.0))
    start, end = (8.5, 0.5), (11.5, 0.5)
    # To an end by chance and back: E = (1 + (8.5 / 0.7 + E + 9.5 / 0.7) / 2), more than 25 steps.
    assert way(naive, start, end) < 7
    assert way(careful, start, end) > 18
    away = (2, 0.5), (7, 0.5)  # what does not lead past the gate stays as it is
    assert way(careful, *away) == pytest.approx(way(naive, *away), rel=0.05)


def test_without_jumps_in_the_data_the_option_changes_nothing():
    walks = corridor(episodes=40)
    for options in ({}, {"vertices": WholeEpisodes(), "max_vertices": 400, "threshold": 1.0}):
        without, looked = fitted(walks, **options), fitted(walks, jumps=5.0, **options)
        for mine, its in zip(without.graph.arrays().values(), looked.graph.arrays().values(), strict=True):
            np.testing.assert_array_equal(mine, its)
        assert looked.fit_log[1].figures["jumps"] == looked.fit_log[1].figures["jump_vertices"] == 0


def test_the_weight_of_a_jump_is_the_expected_way():
    """Vertex 1 of the line 0 - 1 - 2 - 3 carries half of all who step on it to 3, a quarter to 0, a quarter nowhere."""
    vertices = np.arange(4, dtype=np.float32)[:, None]
    line = [(a, b, 1.0) for a in range(4) for b in range(4) if abs(a - b) == 1]
    after = np.array([3, 3, 0, 2], np.float32)[:, None]
    jumped = np.array([True, True, True, False])
    graph, figures = expected_edge_costs(Graph.from_edges(4, line), vertices, np.ones_like(after), after, jumped, 0.4)
    assert figures == {"jumps": 3, "jump_vertices": 1}
    # To 3: a step; after it a quarter tries again, and a quarter comes back from 0: E = 1 + (E + (1 + E)) / 4.
    assert distances_from(graph, np.array([1]))[0, 3] == pytest.approx(2.5, rel=0.02)
    # To 0 by the edge of one step: a quarter walks it; half come back from 3: E = 1 / 4 + 3 / 4 + (2 + E) / 2.
    assert distances_from(graph, np.array([1]))[0, 0] == pytest.approx(4, rel=0.02)
    assert distances_from(graph, np.array([3]))[0, 2] == 1


def test_a_teleporter_that_never_fails_is_a_way():
    vertices = np.array([0, 1, 2, 10], np.float32)[:, None]
    line = [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0), (2, 3, 8.0), (3, 2, 8.0)]
    before, after = np.zeros((3, 1), np.float32), np.full((3, 1), 10, np.float32)
    graph, _ = expected_edge_costs(Graph.from_edges(4, line), vertices, before, after, np.ones(3, bool), 0.4)
    assert distances_from(graph, np.array([0]))[0, 3] == 1
    assert distances_from(graph, np.array([0]))[0, 1] == pytest.approx(10)  # there and back on foot


def test_a_jump_to_where_nothing_leads_on_is_no_edge():
    vertices = np.array([0, 1, 9], np.float32)[:, None]
    line = [(0, 1, 1.0), (1, 0, 1.0)]
    after = np.array([[9], [1]], np.float32)
    graph, _ = expected_edge_costs(
        Graph.from_edges(3, line), vertices, np.zeros((2, 1), np.float32), after, np.array([True, False]), 0.4
    )
    assert np.isinf(distances_from(graph, np.array([0]))[0, 1])  # half are lost for ever
    assert distances_from(graph, np.array([1]))[0, 0] == 1


def test_a_thinned_memory_has_no_edge_across_a_jump():
    gate = corridor(episodes=30, gate=1.0)
    config = SPTMGraphConfig(temporal_subsampling=3, bridge=False)
    rows = np.concatenate([np.arange(0, 31, 3) + start for start in gate.episode_starts])
    steps = np.linalg.norm(np.diff(gate.observations[gate.transitions], axis=1)[:, 0], axis=1)
    latents, jumped = gate.observations[rows], jump_steps(steps, 5.0)
    graph = config.build(gate, rows, latents, 1e-6, 1, jumped)
    edges = np.stack([graph.starts, graph.indices], 1)[~graph.inferred]
    assert jumped.any()
    assert not crosses(gate, rows[edges], jumped).any()
    assert np.linalg.norm(latents[edges[:, 0]] - latents[edges[:, 1]], axis=1).max() < 3.5
    assert config.build(gate, rows, latents, 1e-6).num_edges > graph.num_edges


@pytest.mark.parametrize("jumps", [-1, 0.5, 1, float("nan")])
def test_what_cannot_be_a_jump_is_refused(jumps):
    with pytest.raises(ConfigError, match="need more than 1"):
        GraphConfig(jumps=jumps)


def test_steps_of_resets_are_longer_than_typical_ones():
    walks = [Episode(corridor(episodes=4, seed=seed).observations) for seed in range(2)]  # four walks each, end to end
    lengths = np.linalg.norm(np.diff(walks[0].observations, axis=0), axis=1)
    found = np.flatnonzero(jump_steps(lengths, 4.0))
    assert len(found)
    assert set(found) <= {30, 61, 92}
