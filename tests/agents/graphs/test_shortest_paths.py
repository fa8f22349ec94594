"""Rows of distances by several processes: the same bits, a clean end on Ctrl-C, a named error when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.csgraph import dijkstra

from agents.errors import WorkerError
from agents.graphs import shortest_paths
from agents.graphs.graph import Graph
from agents.graphs.shortest_paths import distances_from, distances_to, paths_to
from agents.metrics.tables.table_embedding import TableConfig, embed_table
from data_collection.engines import local
from data_collection.errors import InvalidOptionError

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path("/dev/shm")

INTERRUPTED = """
import signal
import numpy as np
from agents.graphs.graph import Graph
from agents.graphs.shortest_paths import distances_from

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever is started in the background ignores Ctrl-C
    rng = np.random.default_rng(0)
    ends = rng.integers(40_000, size=(400_000, 2))
    graph = Graph.from_edges(40_000, np.column_stack([ends, rng.uniform(1, 2, len(ends))]))
    print("started", flush=True)
    distances_from(graph, np.arange(20_000), jobs=2)
"""


def one_way_graph(vertices: int = 300, edges: int = 900) -> Graph:
    rng = np.random.default_rng(0)
    ends = rng.integers(vertices, size=(edges, 2))
    return Graph.from_edges(vertices, np.column_stack([ends, rng.uniform(0.1, 3, edges)]))


@pytest.fixture(scope="module")
def graph() -> Graph:
    return one_way_graph()


def test_processes_give_the_bits_that_one_gives_and_scipy_gives(graph):
    sources = np.random.default_rng(1).permutation(300)[:101]
    scipy = dijkstra(graph.matrix, indices=sources).astype(np.float32)
    assert np.isinf(scipy).any()
    np.testing.assert_array_equal(distances_from(graph, sources), scipy)
    np.testing.assert_array_equal(distances_from(graph, sources, jobs=2), scipy)


def test_sources_a_few_at_a_time_give_the_same_bits(graph, monkeypatch):
    whole = distances_from(graph, np.arange(50))
    monkeypatch.setattr(shortest_paths, "_AT_ONCE", 7 * 300)
    np.testing.assert_array_equal(distances_from(graph, np.arange(50)), whole)


def test_distances_to_goals_are_those_along_the_edges_backwards(graph):
    goals = np.arange(0, 300, 7)
    np.testing.assert_array_equal(distances_to(graph, goals), distances_from(graph, np.arange(300))[:, goals].T)
    np.testing.assert_array_equal(distances_to(graph, goals), paths_to(graph, goals)[0])


@pytest.mark.slow
def test_more_processes_than_sources_and_no_source_at_all_are_fine(graph):
    np.testing.assert_array_equal(distances_from(graph, np.array([5]), jobs=8), distances_from(graph, np.array([5])))
    assert distances_from(graph, np.zeros(0, np.int64), jobs=2).shape == (0, 300)


@pytest.mark.slow
def test_a_table_of_latents_is_the_same_by_processes():
    rng = np.random.default_rng(0)
    ends = np.concatenate([np.stack([np.arange(200), np.roll(np.arange(200), 1)], 1), rng.integers(200, size=(300, 2))])
    graph = Graph.from_edges(200, np.column_stack([ends, rng.uniform(1, 2, len(ends))]))
    tables = [embed_table(TableConfig(8, 40), graph, np.random.default_rng(0), jobs=jobs)[0] for jobs in (1, 2)]
    np.testing.assert_array_equal(*tables)


def test_less_than_one_process_is_refused(graph):
    with pytest.raises(InvalidOptionError, match="jobs=0 must be a whole number"):
        distances_from(graph, np.array([0]), jobs=0)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="shared memory has no folder here")
def test_shared_memory_is_gone_afterwards_and_too_little_of_it_is_said(graph, monkeypatch):
    distances_from(graph, np.arange(4), jobs=2)
    assert shared_by(os.getpid()) == []
    full = type("Usage", (), {"free": 10})
    monkeypatch.setattr(local.shutil, "disk_usage", lambda folder: full)
    with pytest.raises(WorkerError, match="jobs=1"):
        distances_from(graph, np.arange(4), jobs=2)


def shared_by(process: int) -> list[str]:
    """Shared memory of a process; that of other processes comes and goes."""
    return [name for name in os.listdir(SHARED) if name.startswith(f"plan2vec-{process}-")]


def children_of(group: int) -> list[int]:
    """Processes of a group that still run."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, _, owner = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(owner) == group and state != "Z":
                found.append(int(folder.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes as Linux does")
@pytest.mark.parametrize("delay", [0.3, 6.0])  # while processes start, and while they work
def test_ctrl_c_ends_all_processes_at_once_and_frees_the_shared_memory(tmp_path, delay):
    script = tmp_path / "search.py"
    script.write_text(INTERRUPTED)
    running = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout.readline() == "started\n"
    time.sleep(delay)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does, to all of them
    _, words = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert words.count("Traceback") == 1
    assert words.rstrip().endswith("KeyboardInterrupt")
    limit = time.monotonic() + 20  # Python's own tracker of shared memory ends after its parent
    while children_of(running.pid) and time.monotonic() < limit:
        time.sleep(0.05)
    assert children_of(running.pid) == []
    assert shared_by(running.pid) == []
