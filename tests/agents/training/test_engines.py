"""What agents compute in pieces: the same from processes and from Ray as from one process, whoever is killed."""

from __future__ import annotations

import numpy as np
import pytest

from agents import UniformAgent, load_agent
from agents.errors import ObservationError
from agents.graphs.graph import Graph
from agents.graphs.shortest_paths import distances_from, distances_to
from data_collection.engines import LocalEngine
from data_collection.errors import InvalidOptionError
from evaluation.runs.embedding import embed_all
from evaluation.runs.sent_agent import SentAgent

from ...mortal import Mortal


@pytest.fixture
def frames(rng) -> np.ndarray:
    return rng.integers(256, size=(50, 1, 64, 64), dtype=np.uint8)


@pytest.mark.slow
def test_shortest_paths_are_the_same_wherever_they_are_searched(elsewhere, rng, tmp_path):
    ends = rng.integers(200, size=(500, 2))
    graph = Graph.from_edges(200, np.column_stack([ends, rng.uniform(0.1, 3, 500)]))
    mortal = Mortal(elsewhere, tmp_path)
    np.testing.assert_array_equal(distances_from(graph, np.arange(60), engine=mortal), distances_from(graph, range(60)))
    assert mortal.died
    np.testing.assert_array_equal(distances_to(graph, np.arange(9), engine=elsewhere), distances_to(graph, range(9)))


@pytest.mark.slow
def test_latents_of_all_are_those_of_each_wherever_they_are_embedded(engine, quick_agent, frames, tmp_path):
    found = embed_all(quick_agent, frames, tmp_path / "all.npy", chunk=7, engine=engine, progress=False)
    assert found.dtype == np.float32
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(np.load(tmp_path / "all.npy"), found)
    np.testing.assert_allclose(found, quick_agent.embed(frames), atol=1e-4)
    np.testing.assert_array_equal(found[7:14], quick_agent.embed(frames[7:14]))
    assert [file.name for file in tmp_path.iterdir()] == ["all.npy"]


@pytest.mark.slow
def test_a_killed_worker_loses_no_latent(elsewhere, quick_agent, frames, tmp_path):
    mortal = Mortal(elsewhere, tmp_path)
    found = embed_all(quick_agent, frames, tmp_path / "all.npy", chunk=7, engine=mortal, progress=False)
    assert mortal.died
    whole = embed_all(quick_agent, frames, tmp_path / "here.npy", chunk=7, progress=False)
    np.testing.assert_array_equal(found, whole)


class Stopped(LocalEngine):
    """Ctrl-C after some pieces."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience, self.done = patience, 0

    def map(self, work, items, *, shared=()):
        for pair in super().map(work, items, shared=shared):
            if self.done == self.patience:
                raise KeyboardInterrupt
            self.done += 1
            yield pair


def test_an_embedding_that_was_stopped_goes_on_and_takes_no_other_for_its_own(quick_agent, frames, tmp_path):
    out = tmp_path / "all.npy"
    whole = embed_all(quick_agent, frames, tmp_path / "whole.npy", chunk=7, progress=False)

    def embed(observations, patience):
        engine = Stopped(patience)
        return embed_all(quick_agent, observations, out, chunk=7, engine=engine, progress=False), engine.done

    with pytest.raises(KeyboardInterrupt):
        embed(frames, 3)
    assert not out.exists()
    changed = frames.copy()
    changed[0] = 255 - changed[0]  # of eight chunks three are there, and one of them is of another picture now
    found, done = embed(changed, 8)
    assert done == 8 - 3 + 1
    np.testing.assert_array_equal(found[1:], whole[1:])
    np.testing.assert_array_equal(found[:7], quick_agent.embed(changed[:7]))


def test_only_a_chunk_is_read_at_a_time(quick_agent, frames, tmp_path):
    class Watched(np.ndarray):
        largest = 0

        def __getitem__(self, key):
            Watched.largest = max(Watched.largest, key.stop - (key.start or 0))
            return np.asarray(super().__getitem__(key))

    embed_all(quick_agent, frames.view(Watched), tmp_path / "all.npy", chunk=7, progress=False)
    assert Watched.largest == 7


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"chunk": 0}, InvalidOptionError, "chunk is 0"),
        ({"observations": np.zeros((0, 1, 64, 64), np.uint8)}, ObservationError, "no observation"),
        ({"observations": np.zeros((3, 1, 8, 8), np.uint8)}, ObservationError, "trained on"),
        ({"agent": UniformAgent()}, InvalidOptionError, "'random' has no embedding"),
    ],
)
def test_what_cannot_be_embedded_is_refused(quick_agent, frames, tmp_path, options, error, message):
    asked = {"agent": quick_agent, "observations": frames, "out": tmp_path / "all.npy", "progress": False} | options
    with pytest.raises(error, match=message):
        embed_all(**asked)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_arrives_as_the_files_that_it_saves(quick_agent, frames, tmp_path):
    quick_agent.save(tmp_path)
    sent = SentAgent(quick_agent)
    assert sent.files == {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    receive, what = sent.__reduce__()
    np.testing.assert_array_equal(receive(*what).agent.embed(frames), load_agent(tmp_path).embed(frames))
    assert receive(*what).agent is receive(*what).agent, "the same agent was read twice"
