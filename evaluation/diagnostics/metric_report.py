"""The metric report is made: what an agent learned from, how true its distances are, and what they cost.

Nothing in it needs ground truth: distances are compared with shortest paths on the agent's own graph.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy

from agents import Graph, Metric, Planner
from agents.graphs.search import Heuristic, SearchBudget, best_first, dijkstra, greedy_walk
from agents.graphs.shortest_paths import distances_from
from agents.networks.device_memory import peak_memory
from data_collection import Dataset
from data_collection.splits import ValidationSplit
from plan2vec_envs.io.files import atomic_write

from ..protocols.heuristics import frame_heuristic
from ..protocols.results import write_json
from ..runs.environment import hardware, versions
from .report_text import METRIC_REPORT, metric_report_text

_SOURCES = 64


class _Size(NamedTuple):
    """How much is looked at: vertices from each source, triangles, walks."""

    ends: int
    triples: int
    pairs: int


_LOOKED_UP, _ASKED = _Size(4000, 10_000, 200), _Size(100, 500, 40)  # by latents; pair of frames by pair of frames


def make_metric_report(agent: Any, dataset: Dataset, *, seed: int = 0) -> dict[str, Any]:
    """Everything the report says, as plain JSON.

    Args:
        agent: fitted on this dataset.
        dataset: what it learned from.
        seed: of the pairs that are looked at.
    """
    peak = peak_memory()
    report: dict[str, Any] = {
        "agent": agent.name,
        "seed": getattr(agent, "seed", None),
        "date": time.strftime("%Y-%m-%d"),
        "data": _data(dataset),
        "stages": {
            log.stage: {"wall": round(log.wall_seconds, 2), "cpu": round(log.cpu_seconds, 2), **_rounded(log.figures)}
            for log in agent.fit_log
        },
        "peak_megabytes": round(peak / 1e6, 1),
        "hardware": hardware("cpu"),
        "versions": versions(),
    }
    if isinstance(agent, Planner):
        report["graph"] = _graph(agent)
        report["metric"] = _metric(agent, dataset, np.random.default_rng(seed))
    return report


def save_metric_report(report: dict[str, Any], folder: Path) -> None:
    """Write `metric_report.json` and `metric_report.md` into the folder of a saved agent."""
    write_json(folder / METRIC_REPORT, report)
    with atomic_write(folder / "metric_report.md") as file:
        file.write(metric_report_text(report).encode())


def _data(dataset: Dataset) -> dict[str, Any]:
    actions = "none"
    if dataset.actions is not None:
        count = dataset.num_actions
        actions = f"{count} discrete" if count else f"{dataset.actions.shape[1]} continuous"
    lengths = dataset.episode_lengths
    return {
        "fingerprint": dataset.fingerprint,
        "trajectories": dataset.num_episodes,
        "transitions": dataset.num_transitions,
        "steps_of_a_trajectory": f"{lengths.min()} to {lengths.max()}, {lengths.mean():.1f} on average",
        "observations": f"{'images' if dataset.is_image else 'vectors'} of shape {dataset.observation_shape}",
        "actions": actions,
    }


def _graph(agent: Any) -> dict[str, Any]:
    graph = agent.graph
    labels = graph.without_bridges().components()
    sizes = np.bincount(labels)
    degree = np.diff(graph.indptr)
    return {
        "vertices": graph.num_vertices,
        "edges": graph.num_edges,
        "of them found by the local metric": int((graph.inferred & ~graph.bridge).sum()),
        "bridges": int(graph.bridge.sum()) // 2,
        "pieces without bridges": len(sizes),
        "vertices in the largest piece": round(float(sizes.max() / graph.num_vertices), 4),
        "edges of a vertex, median and most": [int(np.median(degree)), int(degree.max())],
        "threshold, steps": round(float(agent.threshold), 4),
    }


def _metric(agent: Any, dataset: Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """D between vertices against the graph, and how well both lead; sources are vertices held out of learning."""
    graph, size = agent.graph, _LOOKED_UP if isinstance(agent, Metric) else _ASKED
    between = frame_heuristic(agent, np.asarray(dataset.observations[agent.vertex_rows]))
    held_out = np.zeros(0, np.int64)
    if dataset.num_episodes > 1:
        split = ValidationSplit.of(dataset, agent.seed)
        held_out = np.flatnonzero(split.unseen(dataset.episode_ids[agent.vertex_rows]))
    pool = held_out if len(held_out) >= _SOURCES else np.arange(graph.num_vertices)
    sources = rng.choice(pool, min(_SOURCES, len(pool)), replace=False)
    ends = rng.choice(graph.num_vertices, min(size.ends, graph.num_vertices), replace=False)
    truth = distances_from(graph, sources)[:, ends]
    found = np.stack([between(np.full(len(ends), source), ends) for source in sources])
    known = np.isfinite(truth) & (truth > 0)
    ratio = found[known] / truth[known]
    error = np.abs(found[known] - truth[known]) / (truth[known] + 1)
    report: dict[str, Any] = {
        "sources held out of learning": bool(len(held_out) >= _SOURCES),
        "pairs without a way": round(float((~np.isfinite(truth)).mean()), 4),
        "relative error": round(float(error.mean()), 4),
        "D / distance, 5 %, median, 95 %": [round(float(q), 3) for q in np.quantile(ratio, (0.05, 0.5, 0.95))],
        "rank correlation": round(float(scipy.stats.spearmanr(found[known], truth[known])[0]), 4),
        "triangle violations": round(_triangle_violations(between, graph.num_vertices, size.triples, rng), 5),
    }
    for count in (16, 64):
        missed = _alt_error(graph, count, sources, ends, truth, rng)
        report[f"relative error of {count} landmarks (ALT)"] = round(missed, 4)
    return report | _walks(graph, between, size.pairs, rng)


def _triangle_violations(between: Heuristic, vertices: int, triples: int, rng: np.random.Generator) -> float:
    """Share of random triples with D(a, c) > D(a, b) + D(b, c), beyond rounding."""
    a, b, c = rng.integers(vertices, size=(3, triples))
    return float((between(a, c) > (between(a, b) + between(b, c)) * 1.0001 + 1e-3).mean())


def _alt_error(
    graph: Any, count: int, sources: np.ndarray, ends: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> float:
    """What the triangle inequality with a few landmarks would have said instead (Goldberg and Harrelson 2005)."""
    landmarks = rng.choice(graph.num_vertices, min(count, graph.num_vertices), replace=False)
    rows = distances_from(graph, landmarks)
    bound = np.stack([np.abs(rows[:, [source]] - rows[:, ends]).max(0) for source in sources])
    known = np.isfinite(truth) & np.isfinite(bound)
    return float((np.abs(bound[known] - truth[known]) / (truth[known] + 1)).mean())


def _walks(graph: Graph, distance: Heuristic, pairs: int, rng: np.random.Generator) -> dict[str, Any]:
    starts, goals = rng.integers(graph.num_vertices, size=(2, pairs))
    budget = SearchBudget(max_expansions=1000)
    exact = dijkstra(graph, starts, goals)
    guided = best_first(graph, starts, goals, distance)
    walk = greedy_walk(graph, starts, goals, distance, budget, avoid_visited=True)
    bare = greedy_walk(graph, starts, goals, distance, budget)
    both = exact.success & guided.success & (exact.hops > 0)
    return {
        "goals reached by one look-up a step, visited set": round(float(walk.success.mean()), 4),
        "the same, memoryless": round(float(bare.success.mean()), 4),
        "expansions a step, Dijkstra": round(float((exact.expanded[both] / exact.hops[both]).mean()), 2),
        "expansions a step, best-first by D": round(float((guided.expanded[both] / guided.hops[both]).mean()), 2),
        "its cost over the least": round(float((guided.cost[both] / exact.cost[both]).mean()), 4),
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in figures.items()}
