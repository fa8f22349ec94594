"""The metric report: what a saved agent learned from, how true its distances are, and what they cost.

Nothing in it needs ground truth: distances are compared with shortest paths on the agent's own graph.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from agents.graphs.search import SearchBudget, best_first, dijkstra, greedy_walk
from agents.graphs.shortest_paths import distances_from
from agents.networks.device_memory import peak_memory
from data_collection import Dataset
from data_collection.splits import fold_episodes
from plan2vec_envs.io.files import atomic_write

from ..errors import ResultsError
from ..protocols.results import read_json, write_json
from ..runs.environment import hardware, versions

_SOURCES, _PAIRS, _TRIPLES, _AT_ONCE = 64, 200, 10_000, 4000
METRIC_REPORT = "metric_report.json"


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
    if getattr(agent, "graph", None) is not None:
        report["graph"] = _graph(agent)
        if hasattr(agent, "vertex_embeddings") and hasattr(agent, "between"):
            report["metric"] = _metric(agent, dataset, np.random.default_rng(seed))
    return report


def save_metric_report(report: dict[str, Any], folder: Path) -> None:
    """Write `metric_report.json` and `metric_report.md` into the folder of a saved agent."""
    write_json(folder / METRIC_REPORT, report)
    with atomic_write(folder / "metric_report.md") as file:
        file.write(metric_report_text(report).encode())


def read_metric_report(folder: Path) -> dict[str, Any]:
    """The report beside a saved agent.

    Raises:
        ResultsError: if there is none, saying how to get one.
    """
    file = folder / METRIC_REPORT
    if not file.is_file():
        raise ResultsError(
            f"{folder} has no report ({METRIC_REPORT}): `plan2vec fit` writes one beside the agent it saves"
        )
    return read_json(file)


def metric_report_text(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    data = report["data"]
    lines = [
        f"# Metric report: {report['agent']}",
        "",
        f"Made {report['date']}, seed {report['seed']}.",
        "",
        "## Data",
        "",
    ]
    lines += [f"- {key.replace('_', ' ')}: {_shown(value)}" for key, value in data.items()]
    sections = {
        "graph": "Graph",
        "metric": "Metric, against shortest ways on the graph",
        "environment": "Acting in an environment, with memory",
    }
    for key, title in sections.items():
        if key in report:
            lines += ["", f"## {title}", "", *(f"- {name}: {_shown(value)}" for name, value in report[key].items())]
    lines += ["", "## Learning", "", "| stage | wall s | CPU s | validation |", "|---|---|---|---|"]
    for stage, found in report["stages"].items():
        rest = ", ".join(f"{name} {_shown(value)}" for name, value in found.items() if name not in ("wall", "cpu"))
        lines.append(f"| {stage} | {found['wall']} | {found['cpu']} | {rest} |")
    where = report["hardware"]
    lines += ["", f"Peak memory {report['peak_megabytes']:,.0f} MB, on {where['cpu']}, {where['cores']} cores."]
    return "\n".join(lines) + "\n"


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
    graph, latents = agent.graph, agent.vertex_embeddings
    episodes = dataset.episode_ids[agent.vertex_rows]
    held_out = np.zeros(0, np.int64)
    if dataset.num_episodes >= 4:
        _, unseen = fold_episodes(dataset.num_episodes, 0, min(10, dataset.num_episodes // 2), agent.seed)
        held_out = np.flatnonzero(np.isin(episodes, unseen))
    pool = held_out if len(held_out) >= _SOURCES else np.arange(graph.num_vertices)
    sources = rng.choice(pool, min(_SOURCES, len(pool)), replace=False)
    ends = rng.choice(graph.num_vertices, min(_AT_ONCE, graph.num_vertices), replace=False)
    truth = distances_from(graph, sources)[:, ends]
    found = np.stack([agent.between(latents[source][None], latents[ends]) for source in sources])
    known = np.isfinite(truth) & (truth > 0)
    ratio = found[known] / truth[known]
    error = np.abs(found[known] - truth[known]) / (truth[known] + 1)
    report: dict[str, Any] = {
        "sources held out of learning": bool(len(held_out) >= _SOURCES),
        "pairs without a way": round(float((~np.isfinite(truth)).mean()), 4),
        "relative error": round(float(error.mean()), 4),
        "D / distance, 5 %, median, 95 %": [round(float(q), 3) for q in np.quantile(ratio, (0.05, 0.5, 0.95))],
        "rank correlation": round(float(spearmanr(found[known], truth[known])[0]), 4),
        "triangle violations": round(_triangle_violations(agent, latents, rng), 5),
    }
    for count in (16, 64):
        report[f"relative error of {count} landmarks (ALT)"] = round(
            _alt_error(graph, count, sources, ends, truth, rng), 4
        )
    return report | _walks(agent, latents, rng)


def _triangle_violations(agent: Any, latents: np.ndarray, rng: np.random.Generator) -> float:
    """Share of random triples with D(a, c) > D(a, b) + D(b, c), beyond rounding."""
    a, b, c = latents[rng.integers(len(latents), size=(3, _TRIPLES))]
    detour = agent.between(a, b) + agent.between(b, c)
    return float((agent.between(a, c) > detour * 1.0001 + 1e-3).mean())


def _alt_error(
    graph: Any, count: int, sources: np.ndarray, ends: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> float:
    """What the triangle inequality with a few landmarks would have said instead (Goldberg and Harrelson 2005)."""
    landmarks = rng.choice(graph.num_vertices, min(count, graph.num_vertices), replace=False)
    rows = distances_from(graph, landmarks)
    bound = np.stack([np.abs(rows[:, [source]] - rows[:, ends]).max(0) for source in sources])
    known = np.isfinite(truth) & np.isfinite(bound)
    return float((np.abs(bound[known] - truth[known]) / (truth[known] + 1)).mean())


def _walks(agent: Any, latents: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    graph = agent.graph
    starts, goals = rng.integers(graph.num_vertices, size=(2, _PAIRS))

    def distance(vertices: np.ndarray, goal_vertices: np.ndarray) -> np.ndarray:
        return agent.between(latents[vertices], latents[goal_vertices])

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


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return " · ".join(_shown(each) for each in value) if isinstance(value, list) else str(value)
